// My tickets: what I reported and what I follow.
import { useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { useLoaderData } from 'react-router'
import { api, call } from '../api'
import { announce } from '../components/Announcer'
import { FieldError } from '../components/Field'
import { Icon } from '../components/Icon'
import { Link } from '../components/Link'
import { TicketRow } from '../components/TicketRow'
import { useRoot } from '../root'
import { plural } from '../words'

/** @typedef {import('../api').Ticket} Ticket */
/** @typedef {NonNullable<import('../schema').operations['tickets_listing_get']['parameters']['query']>} Query */
/** @typedef {import('../api').Schemas['TicketCounts']} Counts */
/** @typedef {Ticket['status']} Status */
/** One of a tab's queries, as far as it was read. @typedef {{query: Query, items: Ticket[], next: string | null}} Part */

/** @type {Status[]} */
const ACTIVE = ['open', 'in_progress']
/** @type {Status[]} */
const ENDED = ['resolved', 'closed']
const mine = /** @type {const} */ ({ reporter: 'me' })
const followed = /** @type {const} */ ({ following: true })

/**
 * Each tab is one list made of several, one after the other.
 * @type {Record<string, {name: string, heading: string, of: Query, counted: (keyof Counts)[], parts: Query[], nothing: [string, string]}>}
 */
const TABS = {
  open: {
    name: 'Open',
    heading: 'Open tickets',
    of: mine,
    counted: ['open', 'in_progress', 'waiting'],
    parts: [{ status: ['waiting'] }, { status: ACTIVE }],
    nothing: [
      'Nothing to fix, as far as we know',
      'When you report a problem it shows up here, with every reply and an honest guess at when it will be fixed.',
    ],
  },
  following: {
    name: 'Following',
    heading: 'Tickets you follow',
    of: followed,
    counted: ['total'],
    parts: [{ status: [...ACTIVE, 'waiting'] }, { status: ENDED }],
    nothing: ['You follow nothing yet', 'When a problem that somebody reported affects you too, say so there: its updates then come here.'],
  },
  resolved: {
    name: 'Resolved',
    heading: 'Resolved tickets',
    of: mine,
    counted: ENDED,
    parts: [{ status: ENDED }],
    nothing: ['Nothing resolved yet', 'What was fixed stays here, so that you can look it up or reopen it.'],
  },
}

/** @param {Query} query @param {string} [cursor] @returns {Promise<Part>} */
async function read(query, cursor) {
  const page = await call(() => api.GET('/api/tickets', { params: { query: { sort: '-updated_at', ...query, cursor } } }))
  return { query, items: page.items, next: page.next_cursor }
}

/** @param {Query} query */
const count = (query) => call(() => api.GET('/api/tickets/counts', { params: { query } }))

/** @param {{request: Request}} args */
export async function loader({ request }) {
  const asked = new URL(request.url).searchParams.get('show') ?? ''
  const show = Object.hasOwn(TABS, asked) ? asked : 'open'
  const { of, parts } = TABS[show]
  const [own, follow, recent, ...read_] = await Promise.all([
    count(mine),
    count(followed),
    show === 'open' ? read({ ...mine, status: ENDED, limit: 3 }) : null,
    ...parts.map((part) => read({ ...of, ...part })),
  ])
  return { show, counts: { open: own, following: follow, resolved: own }, recent: recent?.items ?? [], parts: read_ }
}

/** `1,000+`, where nobody counted on. @param {Counts} counts @param {(keyof Counts)[]} which */
function total(counts, which) {
  const sum = which.reduce((all, one) => all + counts[one].count, 0)
  return sum.toLocaleString('en-GB') + (which.some((one) => counts[one].more) ? '+' : '')
}

export function Component() {
  const { site } = useRoot()
  const { show, counts, recent, parts } = /** @type {any} */ (useLoaderData())
  const { heading, nothing } = TABS[show]
  return (
    <div className="wrap stack g6">
      <title>{`My tickets · ${site.name}`}</title>
      <div className="stack g3">
        <div className="row g3">
          <h1>My tickets</h1>
          <Link className="btn primary push" to="/report">
            <Icon name="plus" />
            Report an issue
          </Link>
        </div>
        <nav className="tabs g4" aria-label="Filter my tickets">
          {Object.entries(TABS).map(([key, { name, counted }]) => (
            <Link key={key} to={key === 'open' ? '/tickets' : `?show=${key}`} aria-current={key === show ? 'page' : undefined}>
              {name} <span className="count">{total(counts[key], counted)}</span>
            </Link>
          ))}
        </nav>
      </div>
      {parts.some((/** @type {Part} */ { items }) => items.length) ? (
        <List key={show} heading={heading} loaded={parts} />
      ) : (
        <Empty heading={nothing[0]} text={nothing[1]} />
      )}
      {recent.length > 0 && (
        <section className="stack g2">
          <h2>Recently resolved</h2>
          <Rows of={recent} />
        </section>
      )}
    </div>
  )
}

/** @param {{of: Ticket[]}} props */
const Rows = ({ of }) => (
  <ul className="rows panel-box">
    {of.map((one) => (
      <TicketRow key={one.id} ticket={one} />
    ))}
  </ul>
)

/** @param {{heading: string, loaded: Part[]}} props */
function List({ heading, loaded }) {
  const [parts, setParts] = useState(loaded)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const section = useRef(/** @type {HTMLElement | null} */ (null))
  const unread = parts.findIndex(({ next }) => next)
  // a part is shown when the one before it is there to its end
  const shown = parts.slice(0, unread < 0 ? parts.length : unread + 1).flatMap(({ items }) => items)

  async function more() {
    if (busy) return
    setBusy(true)
    setProblem('')
    try {
      const { query, items, next } = parts[unread]
      const page = await read(query, next ?? '')
      const known = new Set(items.map(({ id }) => id)) // one that was updated meanwhile has moved
      const fresh = page.items.filter(({ id }) => !known.has(id))
      flushSync(() => setParts(parts.map((part, index) => (index === unread ? { ...page, items: [...items, ...fresh] } : part))))
      const links = /** @type {NodeListOf<HTMLElement>} */ (section.current?.querySelectorAll('.t'))
      announce(`${plural(links.length - shown.length, 'more ticket')}`)
      // the button is gone with the last page: whoever pressed it goes on at what it brought
      if (!section.current?.contains(document.activeElement)) links[shown.length]?.focus()
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section className="stack g2" ref={section}>
      <h2 className="vh">{heading}</h2>
      <Rows of={shown} />
      {problem && (
        <div role="alert">
          <FieldError>{problem}</FieldError>
        </div>
      )}
      {unread >= 0 && (
        <button className="btn full" aria-busy={busy} onClick={more}>
          Show more
        </button>
      )}
    </section>
  )
}

/** @param {{heading: string, text: string}} props */
const Empty = ({ heading, text }) => (
  <div className="panel-box empty">
    <svg className="art icon" width="120" height="84" viewBox="0 0 120 84" aria-hidden="true">
      <path d="M14 26h92v14a9 9 0 0 0 0 18v14H14V58a9 9 0 0 0 0-18zM78 30v6M78 46v6M78 62v6M28 42h34M28 54h22" />
    </svg>
    <h2>{heading}</h2>
    <p>{text}</p>
    <Link className="btn primary" to="/report">
      Report an issue
    </Link>
  </div>
)
