// One question that begins a report; what is mine and open; what is known already; how long things take.
import limits from 'virtual:limits'
import { useState } from 'react'
import { useLoaderData, useNavigate, useRevalidator } from 'react-router'
import { api, call, vocabulary, whoAmI } from '../api'
import { AffectsMe } from '../components/AffectsMe'
import { CategoryIcon, examplesOf } from '../components/Categories'
import { Callable } from '../components/Emergency'
import { Icon } from '../components/Icon'
import { Link } from '../components/Link'
import { StatusIcon } from '../components/Status'
import { TicketRow } from '../components/TicketRow'
import { useRoot } from '../root'
import { length, place, plural, STATUS } from '../words'

const SHOWN = 5

/** Those waiting for me first. @param {('waiting' | 'open' | 'in_progress')[]} status */
const mine = (...status) =>
  call(() => api.GET('/api/tickets', { params: { query: { reporter: 'me', status, sort: '-updated_at', limit: SHOWN } } }))

export async function loader() {
  const me = await whoAmI()
  const [[categories], waiting, open, known] = await Promise.all([
    vocabulary(),
    me ? mine('waiting') : null,
    me ? mine('open', 'in_progress') : null,
    me ? call(() => api.GET('/api/tickets/known')) : null,
  ])
  return {
    categories,
    tickets: [...(waiting?.items ?? []), ...(open?.items ?? [])].slice(0, SHOWN),
    known: known?.items ?? [],
  }
}

export function Component() {
  const { me, site } = useRoot()
  const { categories, tickets, known } = /** @type {Awaited<ReturnType<typeof loader>>} */ (useLoaderData())
  const navigate = useNavigate()
  const parents = categories.filter((one) => one.parent_id === null)

  /** @param {React.FormEvent<HTMLFormElement>} event */
  function ask(event) {
    event.preventDefault()
    const title = String(new FormData(event.currentTarget).get('title')).trim()
    void navigate(title ? `/report?${new URLSearchParams({ title })}` : '/report')
  }

  return (
    <>
      <title>{`Home · ${site.name}`}</title>
      <section className="hero">
        <div className="wrap stack g4">
          <div className="stack g2">
            <h1>What needs fixing?</h1>
            <p className="soft">Report a problem with a building, IT or a campus service. It takes about a minute.</p>
          </div>
          <form className="ask" action="/report" aria-label="Report a problem" onSubmit={ask}>
            <label className="vh" htmlFor="ask">
              Describe the problem in a few words
            </label>
            <input className="input" id="ask" name="title" placeholder="No hot water in Alder Residence" autoComplete="off" maxLength={limits.CreateTicket.title.maxLength} />
            <button className="btn primary">Report it</button>
          </form>
          {site.emergency_text && (
            <p className="small muted">
              <Callable text={site.emergency_text} />
            </p>
          )}
          <Skyline />
        </div>
      </section>
      <div className="wrap stack g8">
        <div className="split">
          <div className="stack g8">
            {me ? <Mine tickets={tickets} /> : <Welcome />}
            {known.length > 0 && <Known problems={known} />}
          </div>
          <aside className="stack g6 side" aria-label="Categories and response times">
            <section className="stack g3">
              <h2>Report by category</h2>
              <div className="stack g2">
                {parents.map((one) => (
                  <Link className="choice plain" key={one.id} to={`/report?category=${one.slug}`}>
                    <CategoryIcon slug={one.slug} />
                    <span>
                      <strong>{one.name}</strong>
                      <small>{examplesOf(one, categories)}</small>
                    </span>
                  </Link>
                ))}
              </div>
            </section>
            <Usual categories={parents} />
          </aside>
        </div>
      </div>
    </>
  )
}

/** @param {{tickets: import('../api').Ticket[]}} props */
const Mine = ({ tickets }) => (
  <section className="stack g3" aria-labelledby="h-now">
    <div className="row">
      <h2 id="h-now">Your open tickets</h2>
      <Link className="push small hit" to="/tickets">
        All my tickets
      </Link>
    </div>
    {tickets.length ? (
      <ul className="rows panel-box">
        {tickets.map((one) => (
          <TicketRow key={one.id} ticket={one} />
        ))}
      </ul>
    ) : (
      <div className="panel-box">
        <p className="pad soft">Nothing open. When you report a problem it shows up here, with every reply.</p>
      </div>
    )}
  </section>
)

const Welcome = () => (
  <section className="stack g3" aria-labelledby="h-welcome">
    <h2 id="h-welcome">Follow what you report</h2>
    <div className="panel-box">
      <div className="pad stack g4">
        <p className="soft">
          With an account you see every answer in one place, and what others have reported already. Without one, an address is enough: we mail you a link to your report.
        </p>
        <div className="row g3">
          <Link className="btn" to="/login">
            Log in
          </Link>
          <Link className="btn ghost" to="/register">
            Create an account
          </Link>
        </div>
      </div>
    </div>
  </section>
)

/** @param {{problems: import('../api').Known[]}} props */
function Known({ problems }) {
  // what was joined just now can be taken back here; later, on its page
  const [touched, touch] = useState(/** @type {number[]} */ ([]))
  // nothing moves under a finger: who joins makes a problem larger
  const [order] = useState(() => problems.map(({ id }) => id))
  const rank = (/** @type {{id: number}} */ { id }) => (order.includes(id) ? order.indexOf(id) : order.length)
  const listed = [...problems].sort((a, b) => rank(a) - rank(b))
  const revalidator = useRevalidator()
  return (
  <section className="stack g3" aria-labelledby="h-known">
    <h2 id="h-known">Known problems on campus</h2>
    <ul className="rows panel-box">
      {listed.map((one) => (
        <li key={one.id}>
          <StatusIcon of={one.status} />
          <div>
            <Link className="t" to={`/tickets/${one.id}`}>
              {one.public_title}
            </Link>
            <div className="meta">
              {place(one) && <span>{place(one)}</span>}
              <span>{plural(one.affected_count, 'person', 'people')} affected</span>
              <span>{one.status === 'waiting' ? 'Waiting' : STATUS[one.status].word}</span>
            </div>
          </div>
          {one.affects_me && !touched.includes(one.id) ? (
            <span className="end badge ok">
              <Icon name="check" />
              You are following this
            </span>
          ) : (
            <AffectsMe
              ticket={one}
              onDone={() => {
                touch((before) => [...before, one.id])
                void revalidator.revalidate()
              }}
            />
          )}
        </li>
      ))}
    </ul>
  </section>
  )
}

/** Only where there are cases behind it. @param {{categories: import('../api').Category[]}} props */
function Usual({ categories }) {
  const told = categories.filter((one) => one.usual_resolution)
  if (!told.length) return null
  return (
    <section className="stack g2">
      <h2>How long it usually takes</h2>
      <dl className="facts small">
        {told.map((one) => (
          <div className="row" key={one.id}>
            <dt>{one.name}</dt>
            <dd className="push strong">{length(one.usual_resolution?.p50_seconds ?? 0)}</dd>
          </div>
        ))}
      </dl>
      <p className="hint">Half of the solved tickets took less time than this.</p>
    </section>
  )
}

const Skyline = () => (
  <svg className="skyline" viewBox="0 0 480 170" aria-hidden="true">
    <path d="M0 169.4h480"/>
    <path d="M14 169V98h84v71M14 98l42-26 42 26M30 169v-26h14v26M56 112v12M30 112v12M82 112v12M82 143v12M62 143v12"/>
    <path d="M118 169V62h46v107M118 62l23-34 23 34M141 28V10M141 12h13l-3 4 3 4h-13M132 84h18M132 104h18M132 124h18M134 169v-22h14v22"/>
    <circle cx="141" cy="54" r="6"/>
    <path d="M184 169v-66h118v66M184 103h118M196 103V92h94v11M200 118v38M216 118v38M232 118v38M254 118v38M270 118v38M286 118v38"/>
    <path d="M322 169V74h62v95M322 74h62M334 88h10v10h-10zM362 88h10v10h-10zM334 112h10v10h-10zM362 112h10v10h-10zM334 136h10v10h-10zM362 136h10v10h-10z"/>
    <path d="M418 169v-24M418 145c-14 0-20-10-16-20-6-12 4-24 16-22 12-2 22 10 16 22 4 10-2 20-16 20zM418 145v-22M418 133l7-7M452 169v-14M452 155c-9 0-13-7-10-14-3-8 3-15 10-14 7-1 13 6 10 14 3 7-1 14-10 14z"/>
  </svg>
)
