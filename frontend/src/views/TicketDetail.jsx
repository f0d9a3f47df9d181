// A ticket: how far it is, what was said, and what its reporter or whoever follows it can do.
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { redirectDocument, useLoaderData, useParams } from 'react-router'
import { answerOf, api, call, Problem, vocabulary, whoAmI } from '../api'
import { Affected } from '../components/Affected'
import { AffectsMe } from '../components/AffectsMe'
import { Again } from '../components/Again'
import { announce } from '../components/Announcer'
import { Conversation } from '../components/Conversation'
import { FieldError } from '../components/Field'
import { Icon } from '../components/Icon'
import { Link } from '../components/Link'
import { Progress } from '../components/Progress'
import { StatusPill, wordOf } from '../components/Status'
import { useRoot } from '../root'
import { place, plural, Time } from '../words'

/** @typedef {import('../api').Schemas['OneTicket']} Ticket */
/** @typedef {import('../api').TimelineItem} Item */
/** @typedef {import('../api').Known} Known */
/** @typedef {{ticket: Ticket, items: Item[], photos: import('../api').Schemas['TicketImage'][], usual?: import('../api').Category['usual_resolution']}} Shown */
/** @typedef {Shown & {known?: undefined} | Partial<Record<keyof Shown, undefined>> & {known: Known}} Data */

// what can be read must not wait for what can be written
const Reply = lazy(() => import('../components/Reply'))
const SimilarToMine = lazy(() => import('../components/SimilarToMine'))

const EVERY = 15_000
const SELDOM = 5 * 60_000

/** @template {object} T @param {number} id @param {T} [query] */
const of = (id, query) => ({ params: { path: { ticket_id: id }, query } })

/** @param {number} id */
async function timeline(id) {
  /** @type {Item[]} */
  const items = []
  for (let after = 0; ; ) {
    const page = await call(() => api.GET('/api/tickets/{ticket_id}/timeline', of(id, { after })))
    items.push(...page.items)
    if (!page.next_cursor) return items
    after = Number(page.next_cursor)
  }
}

const photosOf = (/** @type {number} */ id) =>
  call(() => api.GET('/api/tickets/{ticket_id}/images', of(id, { limit: 100 }))).then(({ items }) => items)

/** The ticket as one sees it; for whoever has but a link, what everybody may know of it: they can join. @param {number} id @returns {Promise<Data>} */
async function load(id) {
  try {
    const [me, ticket, items, photos, [categories]] = await Promise.all([
      whoAmI(),
      call(() => api.GET('/api/tickets/{ticket_id}', { params: { path: { ticket_id: id } } })),
      timeline(id),
      photosOf(id),
      vocabulary(),
    ])
    // staff answer on their own page
    if (me?.role !== 'customer' && ticket.reporter?.id !== me?.id) throw redirectDocument(`/staff/tickets/${id}`)
    const usual = categories.find((one) => one.id === ticket.category.id)?.usual_resolution
    return { ticket, items, photos, usual }
  } catch (error) {
    if (!(error instanceof Problem && error.status === 404)) throw error
    const { items } = await call(() => api.GET('/api/tickets/known', { params: { query: { id: [id] } } }))
    if (!items.length) throw error
    return { known: items[0] }
  }
}

/** @param {{params: {id?: string}}} args */
export function loader({ params: { id = '' } }) {
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new Problem(404, {})
  return load(Number(id))
}

export function Component() {
  const { id } = useParams()
  return <Page key={id} id={Number(id)} />
}

/** Change the page without moving what somebody is typing in, or reading below the change. @param {() => void} change */
function keepInPlace(change) {
  const onScreen = (/** @type {Element | null | undefined} */ one) => {
    const { top = -1, bottom = -1 } = one?.getBoundingClientRect() ?? {}
    return bottom > 0 && top < innerHeight
  }
  const focused = document.activeElement?.closest('.split *')
  const held = onScreen(focused) ? focused : onScreen(document.querySelector('.timeline')) ? null : document.querySelector('.composer')
  const before = held?.getBoundingClientRect().top ?? 0
  flushSync(change)
  if (held?.isConnected) scrollBy({ top: held.getBoundingClientRect().top - before, behavior: 'instant' })
}

/**
 * Ask now and then whether something came after `last`; seldom while nobody answers, never while nobody looks.
 * @param {number} id @param {number} last @param {number} preparing photos that are not ready yet
 * @param {() => Promise<boolean>} onNews says whether it is shown
 */
function usePolling(id, last, preparing, onNews) {
  useEffect(() => {
    let etag = ''
    let failed = 0
    let running = false
    let over = false
    let timer = 0
    async function ask() {
      clearTimeout(timer)
      if (running || document.hidden) return
      running = true
      try {
        const headers = etag ? { 'If-None-Match': etag } : {}
        const { data, response } = await answerOf(() =>
          api.GET('/api/tickets/{ticket_id}/timeline', { ...of(id, { after: last, limit: 1 }), headers }),
        )
        const well = response.ok || response.status === 304
        // not by `call`: nobody is asked to log in for what goes on by itself
        const pictures = well && preparing ? await answerOf(() => api.GET('/api/tickets/{ticket_id}/images', of(id, { limit: 100 }))) : null
        const ready = pictures?.data && pictures.data.items.filter((/** @type {{state: string}} */ { state }) => state === 'processing').length < preparing
        const news = data?.items.length || ready || response.status === 404
        // what could not be shown is asked for again
        const missed = !over && news && !(await onNews())
        failed = well && !missed ? 0 : failed + 1
        if (well && !missed) etag = response.headers.get('ETag') ?? ''
      } catch {
        failed++
      }
      running = false
      if (!over) timer = window.setTimeout(ask, Math.min(EVERY * 2 ** failed, SELDOM))
    }
    timer = window.setTimeout(ask, EVERY)
    document.addEventListener('visibilitychange', ask)
    addEventListener('online', ask)
    return () => {
      over = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', ask)
      removeEventListener('online', ask)
    }
  }, [id, last, preparing, onNews])
}

/** Say what came, to whoever listens rather than looks. @param {Data} before @param {Data} now @param {number} [me] */
function tell(before, now, me) {
  if (!before.ticket || !now.ticket) return
  const seen = before.items.at(-1)?.id ?? 0
  const others = now.items.filter(({ id, comment, type }) => id > seen && type === 'comment' && comment?.author.id !== me)
  const words = others.length > 1 ? [`${others.length} new replies`] : others.map(({ comment }) => `New reply from ${comment?.author.name}`)
  if (before.ticket.status !== now.ticket.status) words.push(`Status: ${wordOf({ of: now.ticket.status, following: !now.ticket.reporter })}`)
  if (words.length) announce(`${words.join('. ')}.`)
}

/** @param {{id: number}} props */
function Page({ id }) {
  const { me, site } = useRoot()
  const loaded = /** @type {Data} */ (useLoaderData())
  const [data, setData] = useState(loaded)
  const [gone, setGone] = useState(/** @type {unknown} */ (null))
  const shown = useRef(data)
  useEffect(() => setData(loaded), [loaded])
  useEffect(() => {
    shown.current = data
  }, [data])

  // where it fails the page stays as it is: the next poll asks again
  const refresh = useCallback(async () => {
    const now = await load(id).catch((/** @type {unknown} */ error) => {
      if (error instanceof Problem && error.status === 404) setGone(error)
    })
    if (!now) return false
    tell(shown.current, now, me?.id)
    keepInPlace(() => setData(now))
    return true
  }, [id, me])
  const joined = () => refresh().then(() => /** @type {HTMLElement | null} */ (document.querySelector('main [aria-pressed]'))?.focus())
  const { known, ticket, items = [], photos = [] } = data
  usePolling(id, items.at(-1)?.id ?? 0, photos.filter(({ state }) => state === 'processing').length, refresh)

  if (gone) throw gone
  const mine = ticket?.reporter?.id === me?.id
  const title = known?.public_title ?? ticket?.title
  const about = /** @type {Known | Ticket} */ (known ?? ticket)
  return (
    <div className="wrap stack g6">
      <title>{`${title} · ${site.name}`}</title>
      <div className="stack g3">
        <nav aria-label="Breadcrumb" className="small">
          <Link className="row g1 hit" to="/tickets">
            <Icon name="left" />
            My tickets
          </Link>
        </nav>
        <div className="stack g2">
          <h1>{title}</h1>
          <div className="row g3">
            <StatusPill of={about.status} following={!mine} icon />
            <span className="meta">
              <span>#{id}</span>
              <span>{place(about) || 'No location'}</span>
              {ticket && <span>{ticket.category.name}</span>}
            </span>
          </div>
        </div>
      </div>
      {ticket?.merged_into && (
        <div className="banner info">
          <Icon name="merge" />
          <div>
            The helpdesk handles this together with <Link to={`/tickets/${ticket.merged_into.id}`}>#{ticket.merged_into.id}</Link>, which is
            the same problem. Write there, and look there for news.
          </div>
        </div>
      )}
      {known ? <ToJoin known={known} onDone={joined} /> : <Whole {.../** @type {Shown} */ (data)} mine={mine} onDone={refresh} onLeave={joined} />}
    </div>
  )
}

/** What everybody may know, and joining it. @param {{known: Known, onDone: () => Promise<unknown>}} props */
const ToJoin = ({ known: { id, created_at, affected_count }, onDone }) => (
  <div className="split">
    <section className="panel-box">
      <div className="pad stack g4">
        <h2>Does this affect you too?</h2>
        <p>
          Somebody reported this <Time at={created_at} />. If it affects you too, say so: you get every update, and nobody has
          to report it again.
        </p>
        <div className="row g3">
          <AffectsMe ticket={{ id, affects_me: false }} size="primary" onDone={onDone} />
        </div>
      </div>
    </section>
    <aside className="stack g4 side" aria-label="About this ticket">
      <Affected id={id} count={affected_count} hint="Share the link instead of reporting it again." />
    </aside>
  </div>
)

/** @param {Shown & {mine: boolean, onDone: () => Promise<unknown>, onLeave: () => void}} props */
function Whole({ ticket, items, photos, usual, mine, onDone, onLeave }) {
  const me = /** @type {import('../api').Me} */ (useRoot().me)
  const { id, status, transitions, assignee, team, affected_count: count } = ticket
  const [busy, setBusy] = useState('')
  const [problem, setProblem] = useState('')
  const ended = status === 'resolved' || status === 'closed'
  const others = count - 1

  /** @param {Ticket['status']} to */
  async function move(to) {
    if (busy) return
    setBusy(to)
    setProblem('')
    try {
      const params = { path: { ticket_id: id }, header: { 'If-Match': `"${ticket.version}"` } }
      await call(() => api.PATCH('/api/tickets/{ticket_id}', { params, body: { status: to } }))
      document.getElementById('h-prog')?.focus() // the button is gone
      await onDone()
    } catch (error) {
      const stale = error instanceof Problem && (error.status === 409 || error.status === 412)
      setProblem(stale ? 'The ticket changed meanwhile. This is how it is now' : /** @type {Error} */ (error).message)
      if (stale) void onDone()
    } finally {
      setBusy('')
    }
  }
  /** @param {Ticket['status']} to @param {string} label @param {string} [looks] */
  const button = (to, label, looks = '') =>
    transitions.includes(to) && (
      <button className={`btn ${looks}`} type="button" aria-busy={busy === to} onClick={() => move(to)}>
        {to === 'closed' && <Icon name="check" />}
        {label}
      </button>
    )
  const wrong = problem && (
    <div role="alert">
      <FieldError>{problem}</FieldError>
    </div>
  )

  return (
    <div className="split">
      <div className="stack g6">
        <Progress of={ticket} items={items} mine={mine} usual={usual}>
          {ended && transitions.length > 0 && (
            <div className="row g3">
              {button('closed', 'Yes, it is fixed')}
              {button('open', 'Not solved, reopen')}
            </div>
          )}
          {status === 'closed' && !ticket.merged_into && (
            <div className="row g3">
              <Again title={ticket.title} />
            </div>
          )}
          {ended && wrong}
        </Progress>
        <section className="stack g4" aria-labelledby="h-conv">
          <h2 id="h-conv">Conversation</h2>
          <Conversation ticket={ticket} items={items} photos={photos} me={me.id} />
          <Suspense fallback={status !== 'closed' && <div className="composer coming" />}>
            <Reply ticket={ticket} onSent={onDone} />
          </Suspense>
        </section>
      </div>
      <aside className="stack g4 side" aria-label="About this ticket">
        {ticket.is_confidential || (
          <Affected
            id={id}
            count={count}
            hint={`${others ? `You and ${plural(others, 'other')} get every update. ` : ''}Share the link instead of reporting it again.`}
          >
            {!mine && <AffectsMe ticket={{ id, affects_me: true }} size="full" onDone={onLeave} />}
          </Affected>
        )}
        {mine && !ended && !ticket.is_confidential && (
          <Suspense>
            <SimilarToMine ticket={ticket} />
          </Suspense>
        )}
        <section className="panel-box">
          <div className="pad stack g3">
            <h2>Details</h2>
            <dl className="facts">
              <Fact name="Where">{place(ticket) || 'No location'}</Fact>
              <Fact name="Category">{ticket.category.name}</Fact>
              {mine && <Fact name="Handled by">{[assignee?.name, team?.name].filter(Boolean).join(', ') || 'Nobody yet'}</Fact>}
              {me.email && (
                <Fact name="Updates">
                  Email to {me.email}{' '}
                  <Link className="nowrap" to="/account">
                    Change
                  </Link>
                </Fact>
              )}
            </dl>
          </div>
        </section>
        {!ended && (
          <div className="stack g2">
            {transitions.includes('closed') && (
              <details className="panel-box">
                <summary className="btn ghost full">
                  <Icon name="check" />
                  It is solved, close it
                </summary>
                <div className="pad stack g3">
                  <p className="small">{`Close this report${others ? ` for you and ${plural(others, 'other')}` : ''}? The helpdesk stops working on it, and nobody can reply any more.`}</p>
                  {button('closed', 'Yes, close it', 'full')}
                </div>
              </details>
            )}
            {wrong}
          </div>
        )}
      </aside>
    </div>
  )
}

/** @param {{name: string, children: React.ReactNode}} props */
const Fact = ({ name, children }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)
