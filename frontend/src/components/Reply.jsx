// Writing on a ticket. The text is kept on this device until the server has it, and has it once.
import { useEffect, useRef, useState } from 'react'
import limits from 'virtual:limits'
import { api, call, Problem, Unreachable } from '../api'
import { forget, keep, kept } from '../kept'
import { usePhotos } from '../photos'
import { useRoot } from '../root'
import { alone, flush, isSame, letter, REPLY, watch } from '../replies'
import { Again } from './Again'
import { announce } from './Announcer'
import { FieldError, Problems } from './Field'
import { Icon } from './Icon'
import { Photos } from './Photos'

const NOTHING = { errors: /** @type {Record<string, string>} */ ({}), general: '' }
/** @type {import('../replies').Kept} */
const EMPTY = { text: '', key: '', photos: '', later: false }

/** @param {{ticket: import('../api').Ticket, onSent: () => Promise<unknown>}} props */
export default function Reply({ ticket, onSent }) {
  const draft = `reply:${ticket.id}`
  const { site } = useRoot()
  const photos = usePhotos({ draft, max: limits.CreateComment.images.maxItems ?? 10 })
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState(NOTHING)
  /** It goes out when the network is back. */
  const [waits, setWaits] = useState(false)
  const state = useRef({ ...EMPTY })
  const sending = useRef(false)
  const open = useRef(true)
  const closed = ticket.status === 'closed'
  const save = () => (state.current.text ? keep(draft, { ...state.current }) : forget(draft))

  /** @param {string} value */
  function write(value) {
    state.current.text = value
    state.current.later = false
    setWaits(false)
    setProblem(NOTHING)
    setText(value)
    void save()
  }

  /** The server has it: the next one is another, though it may say the same. @param {string} what */
  function isSent(what) {
    Object.assign(state.current, { body: undefined, later: false })
    if (state.current.text === what) write('')
    else void save()
    photos.clear()
    return onSent()
  }

  async function send() {
    if (sending.current) return
    sending.current = true
    setBusy(true)
    setProblem(NOTHING)
    const { text: typed } = state.current
    try {
      if (!typed.trim()) throw new Problem(422, { errors: { text: ['Write a reply'] } })
      // what waited may have gone out before it is our turn
      await alone(draft, async () => state.current.text && post())
    } catch (error) {
      failed(/** @type {Error} */ (error))
    } finally {
      sending.current = false
      setBusy(false)
    }
  }

  /** @returns {Promise<unknown>} */
  async function post(again = false) {
    const now = state.current
    const old = /** @type {import('../replies').Kept | undefined} */ (await kept(draft))
    // tried in the background meanwhile
    if (old?.text === now.text) Object.assign(now, old)
    const images = await photos.ids()
    const those = photos.blobs()
    if (!isSame(now, those)) Object.assign(now, letter(now.text, images, those))
    const { key, body = { text: now.text } } = now
    await save()
    const params = { path: { ticket_id: ticket.id }, header: { 'Idempotency-Key': key } }
    try {
      await call(() => api.POST('/api/tickets/{ticket_id}/comments', { params, body }))
    } catch (error) {
      if (!(error instanceof Problem && error.errors.images) || again) throw error
      photos.again() // uploads are kept for a day
      return post(true)
    }
    announce('Reply sent.')
    return isSent(body.text)
  }

  /** @param {Error | Problem} error */
  function failed(error) {
    const now = state.current
    // who leaves while a photo is on its way ends that
    now.later = error instanceof Unreachable || (error.name === 'AbortError' && !open.current)
    void save()
    if (now.later) watch()
    const { message, errors = {}, status = 0 } = /** @type {Problem} */ (error)
    const field = (errors.text ?? [''])[0].replace(/\.$/, '')
    setWaits(now.later)
    if (now.later) return announce('The helpdesk cannot be reached. Your reply is kept on this device and sent when the network is back.')
    const general = status === 409
      ? 'This ticket was closed meanwhile, so the reply was not sent. If the problem is back, report it again'
      : field ? '' : (errors.images?.[0] ?? message).replace(/\.$/, '')
    setProblem({ errors: field ? { reply: field } : {}, general })
    if (status === 409) void onSent()
  }

  const hear = useRef((/** @type {import('../replies').Told} */ _) => {})
  useEffect(() => {
    hear.current = ({ name, text: what, refused }) => {
      if (name !== draft) return
      if (refused) return failed(refused)
      setProblem(NOTHING)
      setWaits(false)
      void isSent(what)
      // those that were only being read from this device
      photos.ids().catch(() => {}).then(() => photos.clear())
    }
  })
  useEffect(() => {
    const told = (/** @type {any} */ { detail }) => hear.current(detail)
    open.current = true
    addEventListener(REPLY, told)
    kept(draft).then((/** @type {import('../replies').Kept | undefined} */ old) => {
      if (!old || state.current.text) return
      Object.assign(state.current, old)
      setText(old.text)
      if (old.later) void flush()
    })
    return () => {
      open.current = false
      removeEventListener(REPLY, told)
    }
  }, [draft])

  if (closed && !text) return null
  const wrong = problem.errors.reply
  return (
    <>
      {(wrong || problem.general) && <title>{`Problem: ${ticket.title} · ${site.name}`}</title>}
      <Problems of="reply" errors={problem.errors} general={problem.general} />
      <form
        className="composer"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <label className="vh" htmlFor="reply">
          {closed ? 'Your reply, which was not sent' : 'Your reply'}
        </label>
        {wrong && <FieldError id="reply-e">{wrong}</FieldError>}
        <textarea
          id="reply"
          rows={3}
          maxLength={limits.CreateComment.text.maxLength}
          placeholder="Write a reply"
          value={text}
          aria-invalid={wrong ? true : undefined}
          aria-describedby={wrong ? 'reply-e' : undefined}
          onChange={(event) => write(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            void send()
          }}
        />
        {waits && (
          <div className="banner info small">
            <Icon name="clock" />
            <div>The helpdesk cannot be reached. Your reply is kept on this device and sent when the network is back. You can go on.</div>
          </div>
        )}
        <div className="bar">
          {closed ? (
            <Again title={ticket.title} />
          ) : (
            <>
              <Photos photos={photos} compact />
              <button className="btn primary push" aria-busy={busy}>
                {busy ? 'Sending' : 'Send reply'}
              </button>
            </>
          )}
        </div>
      </form>
    </>
  )
}
