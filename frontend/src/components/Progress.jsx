// Where a ticket stands: in a sentence, on its way, and what is usual.
import { at as moment, between, by, STATUS, Time, useNow } from '../words'

/** @typedef {import('../api').Ticket} Ticket */
/** @typedef {import('../api').TimelineItem} Item */

export const firstName = (/** @type {string} */ name) => name.split(/\s/)[0]

/** What the heading says. @param {{of: Ticket, mine: boolean}} props */
function Sentence({ of, mine }) {
  const now = useNow()
  const late = (/** @type {string} */ due) => Date.parse(due) < now
  const { status, assignee, first_response_at: answered, first_response_due_at: reply, resolution_due_at: due } = of
  if (status === 'closed') return 'Closed'
  if (status === 'resolved') return of.transitions.includes('open') ? 'Resolved. Is it really fixed?' : 'Resolved'
  if (status === 'waiting') return mine ? 'Waiting for your answer' : 'Waiting for an answer'
  const now_ = status === 'open' ? 'We have it' : 'Being worked on'
  if (status === 'open' && reply && !answered)
    return late(reply) ? (
      `${now_}. Our first reply is late`
    ) : (
      <>
        {now_}. First reply by <Time at={reply} say={by} />
      </>
    )
  if (!due) return assignee && status === 'open' ? `${firstName(assignee.name)} has it` : now_
  if (late(due)) return `${now_}. It takes longer than planned`
  return (
    <>
      {now_}. Expected by <Time at={due} say={by} />
    </>
  )
}

/** @typedef {{name: string, at?: string | null, say?: (iso: string) => string, word?: string}} Step */

/** From the report to its end, and at which step it is. @param {Ticket} of @param {Item[]} items @returns {[Step[], number]} */
function way(of, items) {
  const { status, assignee, resolved_at, closed_at, resolution_due_at: due } = of
  /** @param {(event: import('../api').Schemas['Event']) => unknown} is */
  const last = (is) => items.filter(({ event }) => event && is(event)).pop()?.created_at
  const turned = (/** @type {string} */ to) => last((event) => event.field === 'status' && event.to_value === to)
  const over = resolved_at ?? closed_at
  const begun = turned('in_progress')
  const open = status === 'open'
  const name = assignee && firstName(assignee.name)
  /** @type {Step[]} */
  const steps = [{ name: 'Reported', at: of.created_at }]
  if (name || !over) {
    const taken = name && last((event) => event.field === 'assignee' && event.to_user)
    steps.push({ name: name ? `${name} ${over ? 'took it on' : 'is on it'}` : 'Taken on', at: taken })
  }
  if (begun || !over) {
    const waits = status === 'waiting'
    const since = waits ? turned('waiting') : open ? null : begun
    steps.push({ name: waits ? (of.reporter ? 'Waiting for you' : 'Waiting') : 'In progress', at: since, word: over ? '' : 'since ' })
  }
  const expected = due && status !== 'waiting' && Date.parse(due) > Date.now() ? due : null
  steps.push(over ? { name: STATUS[status].word, at: closed_at ?? over } : { name: 'Resolved', at: expected, say: by, word: 'by ' })
  return [steps, over ? steps.length - 1 : open ? (name ? 1 : 0) : 2]
}

/**
 * @param {{of: Ticket, items: Item[], mine: boolean, usual?: import('../api').Category['usual_resolution'], children: React.ReactNode}} props
 *   `children`: what may be done about it now
 */
export function Progress({ of, items, mine, usual, children }) {
  const [steps, current] = way(of, items)
  const over = of.resolved_at ?? of.closed_at
  return (
    <section className="panel-box" aria-labelledby="h-prog">
      <div className="pad stack g4">
        <h2 id="h-prog" tabIndex={-1}>
          <Sentence of={of} mine={mine} />
        </h2>
        <ol className="tracker">
          {steps.map(({ name, at, say = moment, word = '' }, index) => (
            <li key={name} className={index < current || (over && index === current) ? 'done' : undefined} aria-current={index === current ? 'step' : undefined}>
              <b className={index > current ? 'soft' : undefined}>{name}</b>
              {at && (
                <small>
                  {word}
                  <Time at={at} say={say} />
                </small>
              )}
            </li>
          ))}
        </ol>
        {usual && !over && (
          <p className="hint">
            {of.category.name}: usually solved in {between(usual.p50_seconds, usual.p75_seconds)}. We will tell you when something changes.
          </p>
        )}
        {children}
      </div>
    </section>
  )
}
