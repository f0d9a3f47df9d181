// Replies that were sent without a network: they go out when it is back, wherever the person is meanwhile. Each carries
// the key by which the server knows it.
import { answerOf, api, newKey, Problem, problemOf, SignedOut, Unreachable } from './api'
import { announce } from './components/Announcer'
import { forget, keep, kept, namesOf } from './kept'

/**
 * @typedef {object} Kept what is in a composer, under `reply:` and the ticket's number
 * @property {string} text
 * @property {{text: string, images?: number[]}} [body] what was sent last, as it was
 * @property {string} key and under which key
 * @property {string} photos and of which photos
 * @property {boolean} later it goes out by itself
 */
/** @typedef {Pick<import('./photos').Photo, 'key' | 'name' | 'blob' | 'id' | 'sentAt'>[]} Photos */
/** @typedef {{name: string, text: string, refused?: Problem}} Told */

const PREFIX = 'reply:'
const EVERY = 30_000
/** What a composer hears of: `detail` is `Told`. */
export const REPLY = 'reply'

/**
 * What is sent, and its key. The same tried again has the same key: it may have arrived without our being told.
 * @param {string} text @param {number[]} images @param {Photos} photos
 */
export const letter = (text, images, photos) => ({
  body: { text, ...(images.length ? { images } : {}) },
  key: newKey(),
  photos: keysOf(photos),
})

/** Whether what was sent last still stands so in the composer. @param {Kept} reply @param {Photos} photos */
export const isSame = ({ body, text, photos: of }, photos) => body?.text === text && of === keysOf(photos)

const keysOf = (/** @type {Photos} */ photos) => photos.map(({ key }) => key).join()

/**
 * The composer or the background, and in one tab: never two at once.
 * @template T
 * @param {string} name @param {() => Promise<T>} work @param {T} [busy] instead of waiting, this
 * @returns {Promise<T>}
 */
export async function alone(name, work, busy) {
  if (!navigator.locks) return work()
  return navigator.locks.request(name, { ifAvailable: busy !== undefined }, (lock) => (lock ? work() : /** @type {T} */ (busy)))
}

let timer = 0
/** Something waits. The browser may say that it is online where nothing answers. */
export const watch = () => (timer ||= window.setTimeout(flush, EVERY))

/** Try to send what waits. */
export async function flush() {
  clearTimeout(timer)
  timer = 0
  for (const name of await namesOf(PREFIX)) {
    const reply = /** @type {Kept | undefined} */ (await kept(name))
    if (reply?.later && !(await alone(name, () => deliver(name), false))) watch()
  }
}
addEventListener('online', flush)

/** Says whether it waits no longer. @param {string} name @returns {Promise<boolean>} */
async function deliver(name, again = false) {
  const reply = /** @type {Kept | undefined} */ (await kept(name))
  if (!reply?.later) return true
  if (!navigator.onLine) return false
  const { text } = reply
  /** @param {Problem} [refused] */
  const tell = (refused) => dispatchEvent(new CustomEvent(REPLY, { detail: /** @type {Told} */ ({ name, text, refused }) }))
  const id = Number(name.slice(PREFIX.length))
  const pictures = `photos:${name}`
  try {
    const photos = /** @type {Photos} */ ((await kept(pictures)) ?? [])
    if (!isSame(reply, photos)) {
      const images = photos.length ? await (await import('./upload')).uploadAll(photos, true) : []
      if ((await kept(name))?.text !== text) return true // typed on meanwhile
      Object.assign(reply, letter(text, images, photos))
      await keep(name, reply)
    }
    const params = { path: { ticket_id: id }, header: { 'Idempotency-Key': reply.key } }
    const body = /** @type {NonNullable<Kept['body']>} */ (reply.body)
    // nobody is asked to log in for something that goes out by itself
    const { error, response } = await answerOf(() => api.POST('/api/tickets/{ticket_id}/comments', { params, body }))
    if (response.status === 401) return false
    if (!response.ok) throw problemOf(response, error)
    const now = /** @type {Kept | undefined} */ (await kept(name))
    if (now?.text === text) await forget(name)
    else if (now) await keep(name, { ...now, body: undefined, later: false })
    await forget(pictures)
    tell()
    announce(`Your reply on #${id} was sent.`)
    return true
  } catch (error) {
    if (error instanceof Unreachable || error instanceof SignedOut) return false
    if (!(error instanceof Problem)) throw error
    if (error.status === 429 || error.status >= 500) return false
    if (error.errors.images && !again) {
      // uploads are kept for a day
      const photos = /** @type {Photos} */ ((await kept(pictures)) ?? [])
      await keep(pictures, photos.map((one) => ({ ...one, id: undefined, key: newKey() })))
      return deliver(name, true)
    }
    const now = /** @type {Kept | undefined} */ (await kept(name))
    if (now) await keep(name, { ...now, later: false })
    announce(`Your reply on #${id} was not sent. It is kept on this device.`)
    tell(error)
    return true
  }
}
