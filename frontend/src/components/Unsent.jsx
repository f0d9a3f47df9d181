// Reports that wait for the network, arrived meanwhile, or were refused.
import { useCallback, useEffect, useState } from 'react'
import { discard, flush, useOutbox } from '../outbox'
import { useRoot } from '../root'
import { plural } from '../words'
import { Icon } from './Icon'
import { Link } from './Link'

const EVERY = 30_000

export default function Unsent() {
  const { me } = useRoot()
  const reports = useOutbox(me?.id ?? 0)
  const [signedOut, setSignedOut] = useState(false)
  const send = useCallback((quiet = true) => void flush(quiet).then(setSignedOut, () => {}), [])
  const unsent = reports.filter((one) => !one.sent && !one.refused).length
  useEffect(() => {
    const back = () => send()
    back()
    addEventListener('online', back)
    return () => removeEventListener('online', back)
  }, [send])
  useEffect(() => {
    if (!unsent) return
    // the browser may say that it is online where nothing answers
    const timer = setInterval(send, EVERY)
    return () => clearInterval(timer)
  }, [unsent, send])
  return (
    <>
      {unsent > 0 && (
        <div className="banner info small">
          <Icon name="clock" />
          <div>
            {plural(unsent, 'report')} {unsent === 1 ? 'waits' : 'wait'} on this device and will be sent when{' '}
            {signedOut ? 'you log in again' : 'the helpdesk can be reached'}. You can go on.
          </div>
          {signedOut && (
            <button className="btn sm push" type="button" onClick={() => send(false)}>
              Log in
            </button>
          )}
        </div>
      )}
      {reports.map((one) =>
        one.sent ? (
          <div className="banner ok small" key={one.key}>
            <Icon name="check" />
            <div>
              Your report “{one.body.title}” was sent.{' '}
              {one.sent.id ? <Link to={`/tickets/${one.sent.id}`} onClick={() => discard(one.key)}>See #{one.sent.id}</Link> : 'Check your mail.'}
            </div>
            <Close onClick={() => discard(one.key)} />
          </div>
        ) : one.refused ? (
          <div className="banner warn small" key={one.key}>
            <Icon name="alert" />
            <div>
              Your report “{one.body.title}” was not taken: {one.refused}{' '}
              <Link to={`/report?unsent=${one.key}`}>Change it and send it again</Link>
            </div>
            <Close onClick={() => discard(one.key)} />
          </div>
        ) : null,
      )}
    </>
  )
}

/** @param {{onClick: () => void}} props */
const Close = ({ onClick }) => (
  <button
    className="btn ghost icon-only sm push"
    aria-label="Dismiss"
    onClick={() => {
      onClick()
      document.querySelector('h1')?.focus()
    }}
  >
    <Icon name="x" />
  </button>
)
