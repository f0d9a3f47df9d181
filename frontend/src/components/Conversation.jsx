// What was said and what happened, in its order.
import { address } from '../api'
import { STATUS, full, Time } from '../words'
import { Avatar } from './Avatar'
import { Icon } from './Icon'
import { Link } from './Link'
import { wordOf } from './Status'

/** @typedef {import('../api').Schemas['OneTicket']} Ticket */
/** @typedef {import('../api').Schemas['TicketImage']} Image */
/** @typedef {import('../api').Schemas['Event']} Event */

/** @param {{of: Image[], by: string}} props */
const Thumbs = ({ of, by }) => (
  <div className="body">
    <div className="thumbs">
      {of.map(({ id, state, width, height, reason }, index) => {
        const name = `Photo ${of.length > 1 ? `${index + 1} of ${of.length} ` : ''}by ${by}`
        return state === 'ready' ? (
          <a className="thumb" key={id} href={address(`/api/images/${id}`)} target="_blank">
            <img src={address(`/api/images/${id}/thumbnail`)} width={width} height={height} alt={name} loading="lazy" />
            <span className="vh">, opens in a new tab</span>
          </a>
        ) : (
          <p className="thumb muted" key={id}>
            {state === 'processing' ? `${name} is being prepared` : (reason ?? `${name} could not be read`)}
          </p>
        )
      })}
    </div>
  </div>
)

/**
 * @param {{by: {id: number, name: string, role?: string}, me: number, at: string, edited?: string | null, html: string, photos: Image[]}} props
 */
const Entry = ({ by, me, at, edited, html, photos }) => {
  const name = by.id === me ? 'You' : by.name
  return (
    <li>
      <Avatar of={by} />
      <article className="entry">
        <header>
          <b>{name}</b>
          {by.role !== 'customer' && by.id !== me && <span className="badge accent">Helpdesk</span>}
          {edited && (
            <span className="muted small" title={full(edited)}>
              edited
            </span>
          )}
          <Time at={at} />
        </header>
        {/* the server's rendering, sanitised there: helpdesk/markdown.py */}
        <div className="body prose" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />
        {photos.length > 0 && <Thumbs of={photos} by={by.id === me ? 'you' : name} />}
      </article>
    </li>
  )
}

/**
 * An event in words, with its icon; null for what goes without saying or is not known here.
 * @param {Event} event @param {Ticket} ticket @param {number} me @returns {[string, React.ReactNode] | null}
 */
function words(event, ticket, me) {
  const { field, actor, from_value: from, to_value: to, to_user: whom } = event
  const who = actor?.id === me ? 'You' : (actor?.name ?? (event.actor_kind === 'system' ? 'Helpdesk' : ''))
  const changed = (/** @type {string} */ what) => /** @type {[string, React.ReactNode]} */ ([what === 'Title' ? 'ticket' : 'pin', to ? <>{what} changed to <b>{to}</b></> : `${what} taken away`])
  if (field === 'status' && to) {
    const { icon } = STATUS[to]
    // the answer above says it
    if (from === 'waiting' && to === 'open' && actor?.id === me) return null
    const deed = to === 'resolved' ? 'resolved this' : to === 'closed' ? 'closed this' : from === 'resolved' || from === 'closed' ? 'reopened this' : ''
    if (deed && who) return [icon, <><b>{who}</b> {deed}</>]
    return [icon, <>Status changed to <b>{wordOf({ of: to, following: !ticket.reporter })}</b></>]
  }
  if (field === 'assignee' && whom) {
    const team = ticket.assignee?.id === whom.id && ticket.team
    return ['user', <><b>{whom.name}</b>{team && ` from ${team.name}`} took this on</>]
  }
  if (field === 'team' && to) return ['users', <>Passed on to <b>{to}</b></>]
  if (field === 'building') return changed('Building')
  if (field === 'room') return changed('Room')
  if (field === 'title') return changed('Title')
  if (field === 'category') return ['ticket', <>Category changed to <b>{to}</b></>]
  if (field === 'comment' && to === 'deleted') return ['chat', <><b>{who || 'Somebody'}</b> deleted a reply</>]
  if (field === 'merged') return ['merge', <>This goes on as {to === `${ticket.merged_into?.id}` ? <Link to={`/tickets/${to}`}>#{to}</Link> : `#${to}`}</>]
  if (field === 'unmerged') return ['merge', 'This goes on by itself again']
  if (field === 'created' && !ticket.reporter) return ['plus', 'Somebody reported this; you follow it']
  return null
}

/** @param {{ticket: Ticket, items: import('../api').TimelineItem[], photos: Image[], me: number}} props */
export function Conversation({ ticket, items, photos, me }) {
  const { reporter } = ticket
  const of = (/** @type {number | null} */ comment) => photos.filter(({ comment_id }) => comment_id === comment)
  return (
    <ol className="timeline">
      {reporter && (
        <Entry by={{ ...reporter, role: 'customer' }} me={me} at={ticket.created_at} html={ticket.description_html ?? ''} photos={of(null)} />
      )}
      {items.map(({ id, type, comment, event }) => {
        if (type === 'comment')
          // what colleagues tell each other about a ticket of their own is on the staff pages
          return comment && comment.audience !== 'internal' ? (
            <Entry key={id} by={comment.author} me={me} at={comment.created_at} edited={comment.edited_at} html={comment.text_html} photos={of(comment.id)} />
          ) : null
        const said = event && words(event, ticket, me)
        return said ? (
          <li className="event" key={id} data-status={event.field === 'status' ? event.to_value : undefined} title={full(event.created_at)}>
            <span className="dot">
              <Icon name={said[0]} />
            </span>
            <span>{said[1]}</span>
          </li>
        ) : null
      })}
    </ol>
  )
}
