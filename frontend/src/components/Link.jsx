// Links within the portal. React Router's own bring what prefetches pages of servers that render them: 3 kB for nothing.
import { useHref, useLinkClickHandler, useLocation } from 'react-router'

/**
 * @param {{to: string, replace?: boolean, reloadDocument?: boolean, state?: object} & React.AnchorHTMLAttributes<HTMLAnchorElement>} props
 *   `reloadDocument`: load the page anew
 */
export function Link({ to, replace, reloadDocument, state, onClick, ...rest }) {
  const navigate = useLinkClickHandler(to, { replace, state })
  return (
    <a
      {...rest}
      href={useHref(to)}
      onClick={(event) => {
        onClick?.(event)
        if (!reloadDocument && !event.defaultPrevented) navigate(event)
      }}
    />
  )
}

/** A link that knows when one is there. @param {{to: string, end?: boolean, children: React.ReactNode}} props */
export function NavLink({ to, end, children }) {
  const { pathname } = useLocation()
  const here = pathname === to || (!end && pathname.startsWith(`${to}/`))
  return (
    <Link to={to} aria-current={here ? 'page' : undefined}>
      {children}
    </Link>
  )
}
