// How many people a ticket affects, and its address for others.
import { useState } from 'react'
import { plural } from '../words'
import { announce } from './Announcer'
import { Icon } from './Icon'

/** @param {{id: number, count: number, hint: string, children?: React.ReactNode}} props */
export function Affected({ id, count, hint, children }) {
  const [copied, setCopied] = useState('')
  const url = `${location.origin}/tickets/${id}`
  const copy = () =>
    navigator.clipboard.writeText(url).then(
      () => {
        setCopied('Link copied')
        announce('Link copied.')
        setTimeout(setCopied, 4000, '')
      },
      () => setCopied(url), // not allowed here: show it, then
    )
  return (
    <section className="panel-box">
      <div className="pad stack g3">
        <div className="row g2">
          <Icon name="users" />
          <h2>{plural(count, 'person', 'people')} affected</h2>
        </div>
        <p className="hint">{hint}</p>
        <div className="stack g2">
          {children}
          <button className="btn ghost full" type="button" onClick={copy}>
            <Icon name={copied ? 'check' : 'link'} />
            {copied || 'Copy link'}
          </button>
        </div>
      </div>
    </section>
  )
}
