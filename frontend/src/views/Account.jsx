// One's own account: each matter is a small form of its own.
import { useEffect, useRef, useState } from 'react'
import { useLoaderData, useRevalidator } from 'react-router'
import { address, api, call, nowIs, Problem, SignedOut, Unreachable } from '../api'
import { announce } from '../components/Announcer'
import { Avatar } from '../components/Avatar'
import { Field, FieldError } from '../components/Field'
import { Icon } from '../components/Icon'
import { LIMITS, useForm } from '../components/useForm'
import { forgetAll } from '../kept'
import { useRoot } from '../root'
import { become } from '../router'
import { wear } from '../theme'
import { Time } from '../words'

/** @typedef {import('../api').Me} Me */
/** @typedef {import('../api').Schemas['Session']} Session */
/** @typedef {(body: import('../api').Schemas['EditMe']) => Promise<void>} Save */

export const loader = () => call(() => api.GET('/api/users/me/sessions', { params: { query: { limit: 100 } } }))

export function Component() {
  const { me, site } = useRoot()
  const sessions = /** @type {{items: Session[]}} */ (useLoaderData()).items
  const { revalidate } = useRevalidator()
  if (!me) return null // on the way out

  /** @type {Save} */
  async function save(body) {
    nowIs(await call(() => api.PATCH('/api/users/me', { body })))
    await revalidate()
  }

  return (
    <div className="wrap">
      <title>{`My account · ${site.name}`}</title>
      <div className="split">
        <div className="stack g6">
          <div className="stack g1">
            <h1>My account</h1>
            <p className="soft">Who you are here, what we mail you, and where you are logged in.</p>
          </div>
          <Name me={me} save={save} />
          <Address me={me} save={save} />
          <Password onDone={revalidate} />
          <Mails me={me} save={save} />
          <Theme me={me} save={save} />
          <TimeZone me={me} save={save} campus={site.time_zone} />
          <Sessions sessions={sessions} onDone={revalidate} />
        </div>
        <You me={me} />
      </div>
    </div>
  )
}

// --- one form -------------------------------------------------------------------------------------------------------

/** @param {{id: string, title: string, hint?: React.ReactNode, aside?: React.ReactNode, children: React.ReactNode}} props */
const Section = ({ id, title, hint, aside, children }) => (
  <section className="panel-box" aria-labelledby={id}>
    <header>
      <h2 id={id}>{title}</h2>
      {aside}
      {hint && <p className="hint">{hint}</p>}
    </header>
    {children}
  </section>
)

/**
 * @param {{
 *   of: ReturnType<typeof useForm>, button?: string, busy?: string, saved: string, children: React.ReactNode,
 * }} props `saved`: what is said once it is
 */
function Form({ of, button = 'Save', busy = 'Saving', saved, children }) {
  const { failed, general, errors, done } = of
  useEffect(() => {
    if (done) announce(saved)
  }, [done, saved])
  const element = useRef(/** @type {HTMLFormElement | null} */ (null))
  useEffect(() => {
    /** @type {HTMLElement | null | undefined} */ (element.current?.querySelector('[aria-invalid]'))?.focus()
  }, [errors])
  return (
    <form className="pad stack g4" ref={element} {...of.form}>
      {children}
      {failed && general && (
        <div role="alert">
          <FieldError>{general}</FieldError>
        </div>
      )}
      <div className="row g3">
        <button className="btn" aria-busy={of.busy}>
          {of.busy ? busy : button}
        </button>
        {done && (
          <span className="small soft">
            <Icon name="check" /> {saved}
          </span>
        )}
      </div>
    </form>
  )
}

// --- the matters ----------------------------------------------------------------------------------------------------

/** @param {{me: Me, save: Save}} props */
function Name({ me, save }) {
  const form = useForm(({ name }) => save({ name: name.trim() }))
  return (
    <Section id="name-h" title="Name">
      <Form of={form} saved="Name saved">
        <Field id="name" label="Full name" hint="As people at the helpdesk read it." error={form.errors.name}>
          {(tie) => <input {...tie} name="name" autoComplete="name" maxLength={LIMITS.name.maxLength} defaultValue={me.name} required />}
        </Field>
      </Form>
    </Section>
  )
}

/** @param {{me: Me, save: Save}} props */
function Address({ me, save }) {
  const [asked, setAsked] = useState('')
  const form = useForm(async ({ email, current_password }, element) => {
    setAsked('')
    await save({ email: email.trim(), current_password })
    if (email.trim().toLowerCase() !== me.email?.toLowerCase()) setAsked(email.trim())
    element.reset()
  })
  return (
    <Section id="address-h" title="Email address" hint={me.email ? <>We write to <b className="strong">{me.email}</b>, and you log in with it.{me.bounced_at && ' Our mails there come back: is it right? Else give another.'}</> : 'You have none.'}>
      <Form of={form} button="Change address" busy="Sending" saved={asked ? `We sent a link to the new address, ${asked}. It counts once you open it.` : 'This is your address already'}>
        <div className="fields-2">
          <Field id="email" label="New address" error={form.errors.email}>
            {(tie) => <input {...tie} name="email" type="email" inputMode="email" autoComplete="email" maxLength={LIMITS.email.maxLength} required />}
          </Field>
          <Field id="address-password" label="Current password" error={form.errors.current_password}>
            {(tie) => <input {...tie} name="current_password" type="password" autoComplete="current-password" required />}
          </Field>
        </div>
      </Form>
    </Section>
  )
}

/** @param {{onDone: () => Promise<void>}} props */
function Password({ onDone }) {
  const form = useForm(async ({ current_password, password }, element) => {
    await call(() => api.POST('/api/auth/password/change', { body: { current_password, password } }))
    element.reset()
    await onDone()
  })
  return (
    <Section id="password-h" title="Password" hint="A new one logs you out everywhere else.">
      <Form of={form} button="Change password" saved="Password changed">
        <div className="fields-2">
          <Field id="current-password" label="Current password" error={form.errors.current_password}>
            {(tie) => <input {...tie} name="current_password" type="password" autoComplete="current-password" required />}
          </Field>
          <Field id="password" label="New password" hint={`At least ${LIMITS.password.minLength} characters.`} error={form.errors.password}>
            {(tie) => <input {...tie} name="password" type="password" autoComplete="new-password" minLength={LIMITS.password.minLength} required />}
          </Field>
        </div>
      </Form>
    </Section>
  )
}

/** @typedef {'received' | 'reply' | 'waiting' | 'resolved' | 'reopened' | 'assigned' | 'mentioned' | 'answered' | 'returned' | 'queued' | 'due_soon' | 'overdue'} Mail */
/** @type {[Mail, string][]} */
const MAILS = [
  ['received', 'My report has arrived'],
  ['reply', 'The helpdesk writes to me'],
  ['waiting', 'The helpdesk waits for me'],
  ['resolved', 'It is resolved'],
  ['reopened', 'It is open again'],
]
/** @type {[Mail, string][]} */
const STAFF_MAILS = [
  ['assigned', 'A ticket becomes mine'],
  ['mentioned', 'A colleague mentions me'],
  ['answered', 'Somebody writes on my tickets'],
  ['returned', 'My tickets are reopened'],
  ['queued', 'There is something for my team'],
  ['due_soon', 'Mine is due soon, or my team’s that nobody has'],
  ['overdue', 'Such a ticket is overdue'],
]
const WISHES = [
  ['on', 'At once'],
  ['hourly', 'Once an hour'],
  ['off', 'Never'],
]

/** @param {{me: Me, save: Save}} props */
function Mails({ me, save }) {
  const mails = me.role === 'customer' ? MAILS : [...MAILS, ...STAFF_MAILS]
  const form = useForm((given) => save({ notifications: Object.fromEntries(mails.map(([kind]) => [kind, given[kind]])) }))
  return (
    <Section id="mails-h" title="Mails" hint="About your account we always write: links, new passwords, new addresses.">
      <Form of={form} saved="Mails saved">
        <fieldset>
          <legend className="legend">Mail me when</legend>
          {mails.map(([kind, words]) => (
            <div className="wish" key={kind}>
              <label htmlFor={`mail-${kind}`}>{words}</label>
              <select className="input" id={`mail-${kind}`} name={kind} defaultValue={me.notifications[kind] ?? 'on'}>
                {WISHES.map(([wish, label]) => (
                  <option key={wish} value={wish}>
                    {label}
                  </option>
                ))}
              </select>
            </div>
          ))}
        </fieldset>
      </Form>
    </Section>
  )
}

/** @type {[Me['theme'], string, string][]} */
const THEMES = [
  ['system', 'Like the device', 'It may change with the day'],
  ['light', 'Light', 'Always'],
  ['dark', 'Dark', 'Always'],
]

/** @param {{me: Me, save: Save}} props */
function Theme({ me, save }) {
  const [chosen, setChosen] = useState(me.theme)
  const { problem, attempt, busy } = useAttempt()
  const state = useRef({ wanted: me.theme, saved: me.theme, running: false })

  /** @param {Me['theme']} theme */
  function show(theme) {
    state.current.wanted = theme
    setChosen(theme)
    wear(theme)
  }

  /** Seen at once, then saved: one after the other, and only the last of several. @param {Me['theme']} theme */
  async function choose(theme) {
    const now = state.current
    show(theme)
    if (now.running) return
    now.running = true
    try {
      while (now.saved !== now.wanted) {
        const next = now.wanted
        if (await attempt(() => save({ theme: next }), 'Colours saved')) {
          now.saved = next
          wear(now.wanted)
        } else if (now.wanted === next) show(now.saved)
      }
    } finally {
      now.running = false
    }
  }

  return (
    <Section id="theme-h" title="Colours">
      <div className="pad stack g3">
        <fieldset aria-busy={busy}>
          <legend className="vh">Colours</legend>
          <div className="choices">
            {THEMES.map(([theme, name, more]) => (
              <label className="choice" key={theme}>
                <input type="radio" name="theme" value={theme} checked={chosen === theme} onChange={() => choose(theme)} />
                <span>
                  <strong>{name}</strong>
                  <small>{more}</small>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        {problem}
      </div>
    </Section>
  )
}

/** @param {{me: Me, save: Save, campus: string}} props */
function TimeZone({ me, save, campus }) {
  const form = useForm(({ time_zone }) => save({ time_zone: time_zone || null }))
  const zones = new Set(['UTC', ...(me.time_zone ? [me.time_zone] : []), ...Intl.supportedValuesOf('timeZone')])
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  return (
    <Section id="zone-h" title="Time zone">
      <Form of={form} saved="Time zone saved">
        <Field id="time_zone" label="Say times as they are in" hint={`This device is in ${here}.`} error={form.errors.time_zone}>
          {(tie) => (
            <select {...tie} name="time_zone" defaultValue={me.time_zone ?? ''}>
              <option value="">{`the campus (${campus})`}</option>
              {[...zones].sort().map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          )}
        </Field>
      </Form>
    </Section>
  )
}

// --- where one is logged in -----------------------------------------------------------------------------------------

const BROWSERS = [
  [/Edg/, 'Edge'],
  [/OPR\//, 'Opera'],
  [/SamsungBrowser/, 'Samsung Internet'],
  [/Firefox|FxiOS/, 'Firefox'],
  [/Chrome|CriOS|Chromium/, 'Chrome'],
  [/Safari/, 'Safari'],
]
const DEVICES = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Macintosh/, 'Mac'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
]

/** `Firefox on Windows`, as far as the agent string says. @param {string} agent */
function deviceOf(agent) {
  const [browser, device] = [BROWSERS, DEVICES].map((known) => known.find(([sign]) => /** @type {RegExp} */ (sign).test(agent))?.[1])
  if (browser) return device ? `${browser} on ${device}` : String(browser)
  return agent ? `A program, ${agent.split(/[/\s]/)[0]}` : 'A program'
}

/** @param {{sessions: Session[], onDone: () => Promise<void>}} props */
function Sessions({ sessions, onDone }) {
  const { problem, attempt, busy } = useAttempt()

  /** @param {Session} session */
  const end = ({ id, agent }) =>
    attempt(async () => {
      await call(() => api.DELETE('/api/users/me/sessions/{session_id}', { params: { path: { session_id: id } } }))
      await onDone()
      document.getElementById('sessions-h')?.focus() // the button is gone
    }, `${deviceOf(agent)} is logged out`)
  const endOthers = () =>
    attempt(async () => {
      await call(() => api.DELETE('/api/users/me/sessions'))
      await onDone()
      document.getElementById('sessions-h')?.focus()
    }, 'You are logged out everywhere else')

  return (
    <section className="panel-box" aria-labelledby="sessions-h" aria-busy={busy}>
      <header>
        <h2 id="sessions-h" tabIndex={-1}>
          Where you are logged in
        </h2>
        {sessions.length > 1 && (
          <button className="btn sm push" onClick={endOthers}>
            Log out everywhere else
          </button>
        )}
      </header>
      {problem && <div className="pad">{problem}</div>}
      <ul className="rows">
        {sessions.map((session) => (
          <li key={session.id}>
            <Icon name="user" />
            <div>
              <b className="strong">{deviceOf(session.agent)}</b>
              <div className="meta">
                <span>
                  Used <Time at={session.last_used_at} />
                </span>
                <span>
                  Since <Time at={session.created_at} />
                </span>
                <span>{session.peer}</span>
              </div>
            </div>
            <span className="end">
              {session.is_current ? (
                <span className="badge accent">This device</span>
              ) : (
                <button className="btn sm" onClick={() => end(session)}>
                  Log out<span className="vh"> {deviceOf(session.agent)}</span>
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

// --- who it is ------------------------------------------------------------------------------------------------------

/** @param {{me: Me}} props */
function You({ me }) {
  const { problem, attempt, busy } = useAttempt()

  const logOut = () =>
    attempt(async () => {
      await call(() => api.POST('/api/auth/logout'))
      await forgetAll()
      await become(null, '/')
    }, 'You are logged out')

  return (
    <aside className="stack g4 side" aria-label="You">
      <section className="panel-box">
        <div className="pad stack g4">
          <div className="row g3">
            <Avatar of={me} />
            <h2>{me.name}</h2>
          </div>
          <dl className="facts small">
            {me.username && (
              <div>
                <dt>Username</dt>
                <dd>{me.username}</dd>
              </div>
            )}
            {me.team && (
              <div>
                <dt>Team</dt>
                <dd>{me.team.name}</dd>
              </div>
            )}
            <div>
              <dt>Here since</dt>
              <dd>
                <Time at={me.created_at} />
              </dd>
            </div>
          </dl>
          {me.role !== 'customer' && (
            <a className="btn full" href={address('/staff/')}>
              Go to the staff pages
            </a>
          )}
          <button className="btn full" aria-busy={busy} onClick={logOut}>
            <Icon name="logout" />
            Log out
          </button>
          {problem}
        </div>
      </section>
    </aside>
  )
}

/** Something that a press does: announced when it is done, and in words where it could not be. */
function useAttempt() {
  const [busy, setBusy] = useState(false)
  const [words, setWords] = useState('')
  const running = useRef(false)

  /** Says whether it was done. @param {() => Promise<unknown>} deed @param {string} done */
  async function attempt(deed, done) {
    if (running.current) return false
    running.current = true
    setBusy(true)
    setWords('')
    try {
      await deed()
      announce(done)
      return true
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable || error instanceof SignedOut)) throw error
      setWords(error.message)
      return false
    } finally {
      running.current = false
      setBusy(false)
    }
  }

  const problem = words && (
    <div role="alert">
      <FieldError>{words}</FieldError>
    </div>
  )
  return { busy, problem, attempt }
}
