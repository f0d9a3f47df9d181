// The icons, drawn in one file that is loaded once.
import sprite from 'virtual:icons'

/**
 * One of static/icons.svg. It says nothing to a screen reader: words stand beside it, or a label on its button.
 * @param {{name: string, size?: '' | 'lg' | 'xl'}} props
 */
export function Icon({ name, size = '' }) {
  return (
    <svg className={`icon ${size}`} aria-hidden="true">
      <use href={`${sprite}#i-${name}`} />
    </svg>
  )
}

/** The helpdesk's mark. */
export function Mark() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <rect x="1" y="1" width="22" height="22" rx="6" fill="currentColor" />
      <path d="M7 8.5h10v6.5h-5l-3 2.750V15H7z" fill="none" stroke="var(--knock)" strokeWidth="1.7" strokeLinejoin="round" />
    </svg>
  )
}
