// What is shown instead of a view that could not be: not there, not allowed, no network, our fault. One can always go on.
import { useEffect } from 'react'
import { isRouteErrorResponse, useRevalidator, useRouteError } from 'react-router'
import { Problem, SignedOut, Unreachable } from '../api'
import { useRoot } from '../root'
import { Icon } from './Icon'
import { Link } from './Link'

/** A part of the app that could not be loaded. @param {unknown} error */
const isMissing = (error) => error instanceof TypeError && /module/.test(error.message)

/** @param {unknown} error */
function wordsFor(error) {
  const status = error instanceof Problem || isRouteErrorResponse(error) ? error.status : 0
  if (status === 404)
    return { heading: 'This room does not exist', text: 'The page may have moved, or the link has a typo. Your tickets are safe.', code: 404 }
  if (status === 403) return { heading: 'This door is locked', text: 'Your account may not see this page.', code: 403 }
  if (error instanceof Unreachable)
    return { heading: 'No connection', text: 'The helpdesk cannot be reached. What you typed is kept on this device.', again: true }
  if (error instanceof SignedOut || status === 401)
    return { heading: 'You are logged out', text: 'Log in to see this page.', login: true }
  if (status === 429)
    return { heading: 'A moment, please', text: 'There were many requests from here. Try again shortly.', again: true }
  if (status >= 500)
    return { heading: 'Something broke on our side', text: 'It is on record. Try again in a moment.', again: true, code: status }
  if (isMissing(error) && !navigator.onLine)
    return { heading: 'No connection', text: 'The helpdesk cannot be reached. This page opens once you are online.', offline: true }
  if (isMissing(error))
    return { heading: 'There is a new version', text: 'The helpdesk was updated while this page was open. Load it again to go on.', reload: true }
  return { heading: 'Something broke on this page', text: 'What you typed is kept on this device. Load the page again to go on.', reload: true }
}

export function Broken() {
  const { site } = useRoot() ?? {}
  const error = useRouteError()
  const { heading, text, code, again, login, reload, offline } = /** @type {any} */ (wordsFor(error))
  const revalidator = useRevalidator()
  if (!code && !again && !login && !offline) console.error(error)
  useEffect(() => {
    if (!offline) return
    const back = () => location.reload()
    addEventListener('online', back)
    return () => removeEventListener('online', back)
  }, [offline])
  return (
    <div className="wrap">
      <title>{site ? `${heading} · ${site.name}` : heading}</title>
      <div className="empty">
        <svg className="art icon" width="160" height="96" viewBox="0 0 160 96" aria-hidden="true">
          <path d="M8 90h144M52 90V18h56v72M64 90V30h32v60M96 60h-4M20 90V58h18v32M26 66h6M26 76h6M124 90V46h20v44M130 54h8M130 64h8M130 74h8" />
        </svg>
        <h1>{heading}</h1>
        <p>{text}</p>
        <div className="row g3">
          {again && (
            <button className="btn primary" aria-busy={revalidator.state === 'loading'} onClick={() => revalidator.revalidate()}>
              Try again
            </button>
          )}
          {reload && (
            <button className="btn primary" onClick={() => location.reload()}>
              Load again
            </button>
          )}
          {login && (
            <a className="btn primary" href={`/login?next=${encodeURIComponent(location.pathname + location.search)}`}>
              Log in
            </a>
          )}
          <Link className={again || reload || login ? 'btn' : 'btn primary'} to="/" reloadDocument={reload}>
            Go to home
          </Link>
          {!login && (
            <Link className="btn" to="/tickets" reloadDocument={reload}>
              <Icon name="ticket" />
              My tickets
            </Link>
          )}
        </div>
        {code && (
          <p className="hint">
            Error {code}
            {error instanceof Problem && code >= 500 && `, number ${error.requestId}`}
          </p>
        )}
      </div>
    </div>
  )
}

/** Where there is nothing around it: who is here could not be asked. */
export const AllBroken = () => (
  <main id="main">
    <Broken />
  </main>
)
