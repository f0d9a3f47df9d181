// A labelled control with its hint and error, and the summary of all problems of a form.
import { useEffect, useRef } from 'react'
import { Icon } from './Icon'

/**
 * A field: `children` is given what ties the control to its words.
 * @param {{
 *   id: string, label: React.ReactNode, optional?: boolean, hint?: React.ReactNode, error?: string,
 *   children: (tie: {id: string, className: string, 'aria-describedby'?: string, 'aria-invalid'?: true}) => React.ReactNode,
 * }} props
 */
export function Field({ id, label, optional, hint, error, children }) {
  const described = [hint && `${id}-h`, error && `${id}-e`].filter(Boolean).join(' ') || undefined
  return (
    <div className={error ? 'field invalid' : 'field'}>
      <label htmlFor={id}>
        {label} {optional && <span className="optional">(optional)</span>}
      </label>
      {hint && (
        <p className="hint" id={`${id}-h`}>
          {hint}
        </p>
      )}
      {error && <FieldError id={`${id}-e`}>{error}</FieldError>}
      {children({ id, className: 'input', 'aria-describedby': described, 'aria-invalid': error ? true : undefined })}
    </div>
  )
}

/** @param {{id?: string, children: React.ReactNode}} props */
export const FieldError = ({ id, children }) => (
  <p className="error" id={id}>
    <Icon name="alert" />
    {children}
  </p>
)

/**
 * All that is wrong, at the top of the form, with links to the fields; it is focused when it appears, says something
 * else, or the form was sent again and is as wrong as before. Never else: somebody may be typing.
 * @param {{of: string, errors: Record<string, string>, ids?: Record<string, string>, general?: string}} props
 *   `general`: what belongs to no field
 */
export function Problems({ of, errors, ids = {}, general }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null))
  const list = Object.entries(errors)
  const count = list.length + (general ? 1 : 0)
  const words = count ? [general, ...list.flat()].join('\n') : ''
  useEffect(() => {
    if (!words) return
    box.current?.focus()
    const again = (/** @type {SubmitEvent} */ { target }) => {
      const ours = box.current && /** @type {Element} */ (target).parentElement?.contains(box.current)
      if (ours) setTimeout(() => box.current?.focus())
    }
    document.addEventListener('submit', again)
    return () => document.removeEventListener('submit', again)
  }, [words])
  if (!count) return null
  return (
    <div className="problems" role="alert" tabIndex={-1} ref={box} aria-labelledby="problems-h">
      <h2 id="problems-h">{count === 1 ? `There is a problem with your ${of}` : `There are ${count} problems with your ${of}`}</h2>
      <ul>
        {general && <li>{general}</li>}
        {list.map(([name, message]) => (
          <li key={name}>
            <a
              href={`#${ids[name] ?? name}`}
              onClick={(event) => {
                event.preventDefault()
                const field = document.getElementById(ids[name] ?? name)
                field?.focus()
                field?.scrollIntoView({ block: 'center' })
              }}
            >
              {message}
            </a>
          </li>
        ))}
      </ul>
      <p className="hint">Nothing you typed was lost.</p>
    </div>
  )
}

/** The first message of each field, without its full stop. @param {Record<string, string[]>} errors */
export const firstOf = (errors) =>
  Object.fromEntries(Object.entries(errors).map(([name, messages]) => [name, String(messages[0]).replace(/\.$/, '')]))
