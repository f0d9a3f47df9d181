// One of somebody's own tickets in a list.
import { place, Time } from '../words'
import { Link } from './Link'
import { StatusIcon, StatusPill } from './Status'

/** What happened last, in words. @param {{of: import('../api').Ticket}} props */
function Last({ of }) {
  if (of.closed_at) return <span>Closed <Time at={of.closed_at} /></span>
  if (of.resolved_at) return <span>Solved <Time at={of.resolved_at} /></span>
  if (of.updated_at === of.created_at) return <span>Sent <Time at={of.created_at} /></span>
  return <span>Updated <Time at={of.updated_at} /></span>
}

/** @param {{ticket: import('../api').Ticket}} props */
export const TicketRow = ({ ticket }) => (
  <li>
    <StatusIcon of={ticket.status} />
    <div>
      <Link className="t" to={`/tickets/${ticket.id}`}>
        {ticket.title}
      </Link>
      <div className="meta">
        <span>#{ticket.id}</span>
        <span>{place(ticket) || 'No location'}</span>
        <Last of={ticket} />
      </div>
    </div>
    <span className="end">
      <StatusPill of={ticket.status} following={!ticket.reporter} />
    </span>
  </li>
)
