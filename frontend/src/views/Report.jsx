// Reporting a problem: under a minute, on a phone, without losing a word.
import limits from 'virtual:limits'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useLoaderData, useLocation, useNavigate, useSearchParams } from 'react-router'
import { api, call, newKey, Problem, Unreachable, vocabulary, whoAmI } from '../api'
import { setAffected } from '../components/AffectsMe'
import { announce } from '../components/Announcer'
import { examplesOf } from '../components/Categories'
import { Callable } from '../components/Emergency'
import { Field, FieldError, firstOf, Problems } from '../components/Field'
import { Icon } from '../components/Icon'
import { Link } from '../components/Link'
import { Photos } from '../components/Photos'
import { forget, keep, kept } from '../kept'
import { usePhotos } from '../photos'
import { post } from '../report'
import { useRoot } from '../root'
import { between, place, plural } from '../words'

const SimilarWhileTyping = lazy(() => import('../components/SimilarWhileTyping'))
const outbox = () => import('../outbox')

/** A report that was refused is a draft beside the others. @param {string | null} unsent */
const draftOf = (unsent) => (unsent ? `report:${unsent}` : 'report')
const PHOTOS = limits.CreateTicket.images.maxItems ?? 10
const EMPTY = { title: '', kind: '', category: '', building: '', room: '', description: '', is_confidential: false, email: '', name: '' }

/**
 * What is typed. `kind` is the category chosen first, `category` one of its children or nothing yet.
 * @typedef {typeof EMPTY & {from?: string, tried?: {key: string, body: string}}} Draft
 */

/** What the server says of an empty field is for programs. @type {Record<string, string>} */
const WORDS = {
  title: 'Say what the problem is',
  category: 'Choose what it is about',
  email: 'Write an address, such as name@example.edu',
}

/** @param {{request: Request}} args */
export async function loader({ request }) {
  const search = new URL(request.url).searchParams
  const me = await whoAmI()
  const unsent = search.get('unsent')
  const [[categories, buildings], draft, waiting, own] = await Promise.all([
    vocabulary(),
    kept(draftOf(unsent)),
    unsent ? kept(`outbox:${unsent}`) : null,
    me ? call(() => api.GET('/api/tickets', { params: { query: { reporter: 'me', limit: 10 } } })).catch(() => null) : null,
  ])
  return { categories, buildings, draft: begin(search, draft, waiting, categories), photos: waiting?.photos, recent: recentPlaces(own?.items ?? []) }
}

/**
 * The form as it opens: what was kept, under what the address says (a QR label on a room, the question on Home).
 * @param {URLSearchParams} search @param {Draft | undefined} kept @param {import('../outbox').Unsent | null} unsent
 * @param {import('../api').Category[]} categories
 * @returns {Draft}
 */
function begin(search, kept, unsent, categories) {
  const { images: _, ...refused } = unsent?.body ?? {}
  const given = Object.fromEntries(['title', 'category', 'building', 'room'].flatMap((name) => (search.get(name) ? [[name, search.get(name)]] : [])))
  const from = String(search)
  // what the address said stands in the draft, and may have been changed
  const draft = { ...EMPTY, ...refused, ...kept, ...(kept?.from === from ? {} : given), from }
  for (const name of /** @type {const} */ (['building', 'room', 'description'])) draft[name] ??= ''
  const chosen = categories.find((one) => one.slug === draft.category)
  const parent = categories.find((one) => one.id === chosen?.parent_id)
  if (chosen) Object.assign(draft, parent ? { kind: parent.slug } : { kind: chosen.slug, category: '' })
  else draft.category = ''
  return /** @type {Draft} */ (draft)
}

/** Where somebody reported something lately. @param {import('../api').Ticket[]} tickets */
function recentPlaces(tickets) {
  const found = new Map(tickets.filter((one) => one.building).map((one) => [place(one), { building: one.building?.slug ?? '', room: one.room ?? '' }]))
  return [...found].slice(0, 3).map(([words, to]) => ({ words, ...to }))
}

export function Component() {
  const unsent = useSearchParams()[0].get('unsent')
  return <Form key={unsent} unsent={unsent} />
}

/** @param {{unsent: string | null}} props */
function Form({ unsent }) {
  const DRAFT = draftOf(unsent)
  const { categories, buildings, draft: first, photos: given, recent } = /** @type {Awaited<ReturnType<typeof loader>>} */ (useLoaderData())
  const { me, site } = useRoot()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(first)
  const [wrong, setWrong] = useState({ errors: /** @type {Record<string, string>} */ ({}), general: '' })
  const [busy, setBusy] = useState(false)
  const [joining, setJoining] = useState(0)
  const photos = usePhotos({ draft: DRAFT, max: PHOTOS, disabled: !me, given })
  const saved = useKeeping(DRAFT, draft)
  // asked for now, so that it is there when the network is not
  useEffect(() => void import('../components/Unsent'), [])
  const chosen = categories.find((one) => one.slug === (draft.category || draft.kind))
  const parents = categories.filter((one) => one.parent_id === null)
  const children = categories.filter((one) => parents.some((parent) => parent.slug === draft.kind && parent.id === one.parent_id))

  /** @param {Partial<Draft>} change */
  const change = (change) => {
    setDraft((now) => ({ ...now, ...change }))
    // what is put right is wrong no more
    const named = 'kind' in change ? { ...change, category: '' } : change
    setWrong(({ errors, general }) => ({ errors: Object.fromEntries(Object.entries(errors).filter(([name]) => !(name in named))), general: 'tried' in change ? general : '' }))
  }
  /** @param {React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>} event */
  const typed = ({ target }) => change({ [target.name]: target.value })

  /** @param {string} to @param {object} [state] */
  async function leave(to, state) {
    saved.stop()
    photos.clear()
    await forget(DRAFT)
    await navigate(to, { state })
  }

  /** @param {React.FormEvent} event */
  async function submit(event) {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setWrong({ errors: {}, general: '' })
    const body = bodyOf(draft, Boolean(me))
    // the same report keeps its key, however often it is sent; what was changed since is another
    const text = JSON.stringify(body)
    const tried = draft.tried?.body === text ? draft.tried : { key: newKey(), body: text }
    change({ tried })
    try {
      const answer = await sendIt(tried.key, body)
      if (unsent) await (await outbox()).discard(unsent)
      announce('Your report was sent.')
      await leave(me ? `/tickets/${answer.id}` : '/report/sent', { email: draft.email, sent: true })
    } catch (error) {
      if (error instanceof Unreachable) {
        const { discard, sendLater } = await outbox()
        const blobs = photos.blobs()
        if (!(await sendLater({ key: tried.key, body, photos: blobs }))) {
          return setWrong({ errors: {}, general: 'The helpdesk cannot be reached, and this device has no room for your report. Leave this page open, and send it when the network is back' })
        }
        saved.stop()
        photos.clear(blobs.map(({ key }) => key))
        await forget(DRAFT)
        announce('The report is kept on this device and sent when the network is back.')
        scrollTo(0, 0)
        document.querySelector('h1')?.focus({ preventScroll: true })
        if (unsent) {
          await discard(unsent)
          return void (await navigate('/report'))
        }
        // no other page can be loaded now: the next report may begin here
        saved.start()
        return setDraft(EMPTY)
      }
      setWrong(wordsFor(error, draft))
    } finally {
      setBusy(false)
    }
  }

  /** @param {string} key @param {import('../api').Report} body */
  async function sendIt(key, body) {
    const images = me ? await photos.ids() : []
    try {
      return await post(key, images.length ? { ...body, images } : body)
    } catch (error) {
      if (!(error instanceof Problem && error.errors.images && images.length)) throw error
      photos.again() // they waited for longer than the server keeps them
      return post(newKey(), { ...body, images: await photos.ids() })
    }
  }

  /** @param {number} id */
  async function join(id) {
    setJoining(id)
    try {
      await setAffected(id, true)
      announce('You follow this now. You will hear what happens.')
      // whoever wrote more than a title may want to send it yet
      if (draft.description.trim() || photos.items.length) await navigate(`/tickets/${id}`)
      else await leave(`/tickets/${id}`)
    } catch (error) {
      setWrong({ errors: {}, general: /** @type {Error} */ (error).message })
    } finally {
      setJoining(0)
    }
  }

  return (
    <div className="wrap">
      <title>{`${Object.keys(wrong.errors).length || wrong.general ? 'Problem: ' : ''}Report an issue · ${site.name}`}</title>
      <div className="split">
        <form className="stack g6" onSubmit={submit} noValidate aria-labelledby="h1">
          <div className="stack g1">
            <h1 id="h1" tabIndex={-1}>
              Report an issue
            </h1>
            <p className="soft">We send it to the right team. You can follow what happens.</p>
          </div>
          <Problems of="report" errors={wrong.errors} general={wrong.general} ids={{ category: 'kind-0', images: 'photos' }} />
          <div className="stack g3">
            <Field id="title" label="What is the problem?" hint="A few words. You can add details below." error={wrong.errors.title}>
              {(tie) => <input {...tie} name="title" value={draft.title} onChange={typed} autoComplete="off" required {...lengths('title')} />}
            </Field>
            {me && (
              <Suspense>
                <SimilarWhileTyping of={{ ...draft, category: draft.category || draft.kind }} onJoin={join} joining={joining} />
              </Suspense>
            )}
          </div>
          <fieldset className="stack g2" role="radiogroup" aria-required aria-invalid={wrong.errors.category ? true : undefined}>
            <legend className="legend">What is it about?</legend>
            {wrong.errors.category && <FieldError id="category-e">{wrong.errors.category}</FieldError>}
            <div className="choices">
              {parents.map((one, index) => (
                <label className="choice" key={one.id}>
                  <input
                    type="radio"
                    name="kind"
                    id={`kind-${index}`}
                    value={one.slug}
                    checked={draft.kind === one.slug}
                    onChange={() => change({ kind: one.slug, category: '' })}
                    aria-describedby={wrong.errors.category ? 'category-e' : undefined}
                  />
                  <span>
                    <strong>{one.name}</strong>
                    <small>{examplesOf(one, categories)}</small>
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
          {children.length > 0 && (
            <Field id="category" label="What kind?" optional>
              {(tie) => (
                <select {...tie} name="category" value={draft.category} onChange={typed}>
                  <option value="">I am not sure</option>
                  {children.map((one) => (
                    <option key={one.id} value={one.slug}>
                      {one.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          <fieldset className="stack g2">
            <legend className="vh">Where is it?</legend>
            <div className="fields-2">
              <Field id="building" label="Building" optional error={wrong.errors.building}>
                {(tie) => (
                  <select {...tie} name="building" value={draft.building} onChange={typed}>
                    <option value="">No building</option>
                    {buildings.map((one) => (
                      <option key={one.id} value={one.slug}>
                        {one.name}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
              <Field id="room" label="Room or place" optional error={wrong.errors.room}>
                {(tie) => <input {...tie} name="room" value={draft.room} onChange={typed} autoComplete="off" {...lengths('room')} />}
              </Field>
            </div>
            {recent.length > 0 && (
              <p className="row small">
                <span className="muted">Recent:</span>
                {recent.map(({ words, building, room }) => (
                  <button type="button" className="chip" key={words} onClick={() => change({ building, room })}>
                    <Icon name="pin" />
                    {words}
                  </button>
                ))}
              </p>
            )}
          </fieldset>
          <Field id="description" label="Details" optional hint="When did it start? Is anything getting worse?" error={wrong.errors.description}>
            {(tie) => <textarea {...tie} name="description" rows={4} value={draft.description} onChange={typed} {...lengths('description')} />}
          </Field>
          {me ? (
            <fieldset className={wrong.errors.images ? 'stack g2 invalid' : 'stack g2'} id="photos" tabIndex={-1}>
              <legend className="legend">
                Photos <span className="optional">(optional)</span>
              </legend>
              <Photos photos={photos} error={wrong.errors.images} hint={`Up to ${PHOTOS}. They often save a visit.`} />
            </fieldset>
          ) : (
            <Guest draft={draft} typed={typed} errors={wrong.errors} />
          )}
          <Confidential category={chosen} checked={draft.is_confidential} onChange={(is_confidential) => change({ is_confidential })} />
          <div className="row g3">
            <button className="btn primary" aria-busy={busy}>
              {busy ? 'Sending' : 'Send report'}
            </button>
            <Link className="btn ghost" to="/">
              Cancel
            </Link>
            {saved.is && <span className="hint push lg-only">Draft saved on this device</span>}
          </div>
        </form>
        <aside className="stack g4 side" aria-label="What to expect">
          <Next category={chosen} />
          {site.emergency_text && (
            <div className="banner warn small">
              <Icon name="alert" />
              <div>
                <Callable text={site.emergency_text} />
              </div>
            </div>
          )}
        </aside>
      </div>
    </div>
  )
}

/** @param {string} field */
const lengths = (field) => ({ maxLength: limits.CreateTicket[field].maxLength })

/** @param {Draft} draft @param {boolean} isMember @returns {import('../api').Report} */
function bodyOf(draft, isMember) {
  const { title, kind, category, building, room, description, is_confidential, email, name } = draft
  return /** @type {import('../api').Report} */ ({
    title: title.trim(),
    description: description.trim() || title.trim(),
    ...((category || kind) && { category: category || kind }),
    ...(building && { building }),
    ...(room.trim() && { room: room.trim() }),
    ...(is_confidential && { is_confidential }),
    ...(draft.from?.startsWith('building=') && { via: 'qr' }), // a label says where one stands, and nothing else
    ...(!isMember && { email: email.trim(), ...(name.trim() && { name: name.trim() }) }),
  })
}

/** @param {unknown} error @param {Draft} draft */
function wordsFor(error, draft) {
  if (!(error instanceof Problem) || !Object.keys(error.errors).length) {
    return { errors: {}, general: error instanceof Error ? error.message : String(error) }
  }
  const errors = firstOf(error.errors)
  // the title stands for the details where there are none
  if (errors.title || !draft.description.trim()) delete errors.description
  for (const [name, words] of Object.entries(WORDS)) if (errors[name]) errors[name] = words
  return { errors, general: '' }
}

/**
 * Keeps the draft a moment after the last key, and at once when the page is hidden. `is`: what stands here now is kept.
 * @param {string} name @param {Draft} draft
 */
function useKeeping(name, draft) {
  const [last, set] = useState(/** @type {Draft | null} */ (null))
  const latest = useRef({ draft, stopped: false, begun: draft })
  latest.current.draft = draft
  useEffect(() => {
    if (draft === latest.current.begun || latest.current.stopped) return
    const save = () => {
      if (latest.current.stopped) return
      const now = latest.current.draft
      void keep(name, now).then((done) => set(done ? now : null))
    }
    const hidden = () => document.hidden && save()
    const timer = setTimeout(save, 300)
    document.addEventListener('visibilitychange', hidden)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', hidden)
    }
  }, [name, draft])
  // a link that is followed at once must not lose the last words
  useEffect(() => {
    const now = latest.current
    return () => {
      if (!now.stopped && now.draft !== now.begun) void keep(name, now.draft)
    }
  }, [name])
  return {
    is: last === draft,
    stop: () => void (latest.current.stopped = true),
    start: () => void Object.assign(latest.current, { stopped: false, begun: EMPTY }),
  }
}

/** @param {{draft: Draft, typed: (event: React.ChangeEvent<HTMLInputElement>) => void, errors: Record<string, string>}} props */
const Guest = ({ draft, typed, errors }) => (
  <fieldset className="stack g2">
    <legend className="legend">Who are you?</legend>
    <p className="hint">
      We mail you a link: it sends the report and opens its conversation, where you can add photos. <Link to={`/login?next=${encodeURIComponent(`/report${useLocation().search}`)}`}>Log in</Link> if you have an account.
    </p>
    <div className="fields-2">
      <Field id="email" label="Email" error={errors.email}>
        {(tie) => <input {...tie} name="email" type="email" inputMode="email" autoComplete="email" required value={draft.email} onChange={typed} />}
      </Field>
      <Field id="name" label="Name" optional error={errors.name}>
        {(tie) => <input {...tie} name="name" autoComplete="name" value={draft.name} onChange={typed} {...lengths('name')} />}
      </Field>
    </div>
  </fieldset>
)

/** @param {{category?: import('../api').Category, checked: boolean, onChange: (checked: boolean) => void}} props */
function Confidential({ category, checked, onChange }) {
  if (category?.is_confidential) {
    return (
      <p className="row small soft">
        <Icon name="lock" />
        Confidential: only you and the helpdesk see this report.
      </p>
    )
  }
  return (
    <label className="switch small">
      <input type="checkbox" name="is_confidential" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      Confidential: nobody else can find this report or join it
    </label>
  )
}

/** @param {{category?: import('../api').Category}} props */
function Next({ category }) {
  const usual = category?.usual_resolution
  return (
    <section className="panel-box">
      <div className="pad stack g4">
        <h2>What happens next</h2>
        <ol className="facts small">
          <li>
            <b className="strong">The right team gets it</b>
            <br />
            <span className="muted">You see who has taken it on</span>
          </li>
          <li>
            <b className="strong">You hear from us</b>
            <br />
            <span className="muted">By email, and here: you can answer there</span>
          </li>
          {usual && (
            <li>
              <b className="strong">Usually solved in {between(usual.p50_seconds, usual.p75_seconds)}</b>
              <br />
              <span className="muted">
                {category.name}: based on {plural(usual.count, 'report')}
              </span>
            </li>
          )}
        </ol>
      </div>
    </section>
  )
}
