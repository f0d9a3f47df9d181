// What makes a photo small and sends it. Loaded once somebody may need it: a form must not wait for it.
import { address, asking, call, Problem, SignedOut, Unreachable } from './api'

/** @typedef {import('./photos').Photo} Photo */

/** Enough to read a serial number, a tenth of what a camera makes. */
const LONGEST = 2048
const SMALL_BYTES = 600_000
const AS_IT_IS = ['image/jpeg', 'image/png', 'image/webp', 'image/gif']
/** Uploads that nothing was tied to are gone after a day. */
const GOOD_FOR = 20 * 3600_000

/** @param {Pick<Photo, 'id' | 'sentAt'>} photo */
export const isThere = ({ id, sentAt }) => Boolean(id && sentAt && Date.now() - sentAt < GOOD_FOR)

/** @type {Promise<unknown>} */
let last = Promise.resolve()
/** One after the other: each takes much memory. @param {File} file @param {AbortSignal} signal */
export function shrink(file, signal) {
  const small = last.then(() => (signal.throwIfAborted(), smaller(file)))
  last = small.catch(() => {})
  return small
}

/** Smaller, upright, without what the camera wrote into it. @param {File} file @returns {Promise<Blob>} */
async function smaller(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => null)
  if (!bitmap) throw new Error(`${file.name} is not a photo that can be read here. Use JPEG, PNG or WebP`)
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height))
  if (AS_IT_IS.includes(file.type) && scale === 1 && file.size <= SMALL_BYTES) return file
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(bitmap.width * scale)
  canvas.height = Math.round(bitmap.height * scale)
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  pen.fillStyle = '#fff' // under what is transparent
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(`${file.name} is too large`))), 'image/jpeg', 0.85),
  )
}

/**
 * One upload: by XMLHttpRequest, for fetch does not say how far it is.
 * @param {Blob} blob @param {string} name @param {string} key @param {(progress: number) => void} tell @param {AbortSignal} signal
 * @returns {Promise<{data?: {id: number}, error?: unknown, response: Response}>}
 */
function upload(blob, name, key, tell, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const request = new XMLHttpRequest()
    request.open('POST', address('/api/uploads'))
    request.withCredentials = true
    request.responseType = 'json'
    request.timeout = 120_000
    request.setRequestHeader('Idempotency-Key', key)
    request.upload.onprogress = ({ loaded, total }) => tell(loaded / total)
    request.onload = () => {
      const { status, response } = request
      const wait = request.getResponseHeader('Retry-After')
      const answer = new Response(null, { status, headers: wait ? { 'Retry-After': wait } : {} })
      resolve(answer.ok ? { data: response, response: answer } : { error: response, response: answer })
    }
    request.onerror = request.ontimeout = () => reject(new TypeError('no answer'))
    request.onabort = () => reject(new DOMException('taken away', 'AbortError'))
    signal.addEventListener('abort', () => request.abort())
    const form = new FormData()
    form.append('image', blob, name.replace(/\.\w+$/, '') + (blob.type === 'image/png' ? '.png' : '.jpg'))
    request.send(form)
  })
}

/** Until the network is back, or it is time to try again. @param {number} attempt @param {AbortSignal} signal */
const aWhile = (attempt, signal) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      removeEventListener('sendnow', done)
      resolve(null)
    }
    const timer = setTimeout(done, Math.min(30_000, 1000 * 2 ** attempt))
    addEventListener('online', done)
    addEventListener('sendnow', done)
    signal.addEventListener('abort', done)
  })

/** What says nothing against the photo. @param {unknown} no */
export const mayPass = (no) => no instanceof SignedOut || isLater(no) || (no instanceof Problem && no.status === 401)
/** @param {unknown} no */
const isLater = (no) => no instanceof Unreachable || (no instanceof Problem && (no.status >= 500 || [408, 429].includes(no.status)))

/**
 * Send it, however long the network is away. Throws Problem, SignedOut, AbortError.
 * @param {Pick<Photo, 'key' | 'name' | 'blob'>} photo @param {(progress: number) => void} tell @param {AbortSignal} signal
 * @param {boolean} quiet nobody waits for it: who is signed out is not asked
 */
export async function send(photo, tell, signal, quiet) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call(() => upload(/** @type {Blob} */ (photo.blob), photo.name, photo.key, tell, signal), quiet)
    } catch (error) {
      if (!isLater(error) || signal.aborted) throw error
      tell(0)
      await aWhile(error instanceof Problem && error.retryAfter ? Math.log2(error.retryAfter) : attempt, signal)
    }
  }
}

const PATIENCE = 10_000

/**
 * Wait for uploads as long as something moves. Throws Unreachable where nothing does, or the network goes.
 * @template T
 * @param {() => Photo[]} photos @param {Promise<T>} done
 * @returns {Promise<T>}
 */
export function inTime(photos, done) {
  dispatchEvent(new Event('sendnow'))
  return new Promise((resolve, reject) => {
    let most = 0
    let since = Date.now()
    const look = () => {
      const now = photos().reduce((sum, one) => sum + one.progress, 0)
      if (now > most || asking) since = Date.now()
      most = Math.max(most, now)
      if (!navigator.onLine || Date.now() - since > PATIENCE) reject(new Unreachable())
    }
    const timer = setInterval(look, 250)
    done.then(resolve, reject).finally(() => clearInterval(timer))
    look()
  })
}

/**
 * For what is sent in the background: an id for each, uploading those that have none. Throws Problem, Unreachable.
 * @param {Pick<Photo, 'key' | 'name' | 'blob' | 'id' | 'sentAt'>[]} photos @param {boolean} quiet
 */
export async function uploadAll(photos, quiet) {
  const ids = []
  for (const photo of photos) {
    const { signal } = new AbortController()
    ids.push(isThere(photo) ? photo.id : (await call(() => upload(/** @type {Blob} */ (photo.blob), photo.name, photo.key, () => {}, signal), quiet)).id)
  }
  return /** @type {number[]} */ (ids)
}
