// Reports that were sent without a network: kept on this device, and sent when it is back. Each carries the key by which
// the server knows it, so that it arrives once however often it is tried.
import { useSyncExternalStore } from 'react'
import { Problem, SignedOut, Unreachable, whoAmI } from './api'
import { forget, keep, kept, namesOf } from './kept'
import { post } from './report'
import { uploadAll } from './upload'

/**
 * @typedef {object} Unsent
 * @property {string} key
 * @property {import('./api').Report} body
 * @property {any[]} photos
 * @property {string} [refused] why the server did not take it
 * @property {{id?: number}} [sent]
 */

export const PREFIX = 'outbox:'
/** @type {Unsent[]} */
let waiting = []
/** Whose they are: a member's id, or 0 for guests. */
let owner = 0
/** @type {Unsent[]} */
const NOTHING = []
/** @type {Set<() => void>} */
const listeners = new Set()

/** @param {Unsent[]} list */
function show(list) {
  waiting = list
  for (const listener of listeners) listener()
}

/** @param {() => void} listener */
function subscribe(listener) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** @param {number} who */
export const useOutbox = (who) => useSyncExternalStore(subscribe, () => (who === owner ? waiting : NOTHING))

/** Who is here now. Nothing of somebody else's stays in the list. */
async function whose() {
  const id = (await whoAmI())?.id ?? 0
  if (id !== owner) {
    owner = id
    show(NOTHING)
  }
  return id
}

/** Says whether this device keeps it. @param {Unsent} report */
export async function sendLater(report) {
  await whose()
  const isKept = await keep(PREFIX + report.key, report)
  if (isKept) {
    show([...waiting.filter((one) => one.key !== report.key), report])
    dispatchEvent(new Event('unsent'))
  } else await forget(PREFIX + report.key)
  return isKept
}

/** @param {string} key */
export async function discard(key) {
  await forget(PREFIX + key)
  show(waiting.filter((one) => one.key !== key))
}

/**
 * Read what waits, and try to send it. One tab does at a time. Says whether nobody is logged in who could send it.
 * @param {boolean} [quiet] unless somebody asked for it
 * @returns {Promise<boolean>}
 */
export async function flush(quiet = true) {
  const before = await whose()
  const names = await namesOf(PREFIX)
  const found = /** @type {(Unsent | undefined)[]} */ (await Promise.all(names.map(kept))).filter((one) => one !== undefined)
  if ((await whose()) !== before) return false
  show(found.concat(waiting.filter((one) => one.sent && !found.some(({ key }) => key === one.key))))
  if (!navigator.locks) return empty(before, quiet)
  return navigator.locks.request('outbox', { ifAvailable: true }, (lock) => (lock ? empty(before, quiet) : false))
}

/** @param {number} before whose reports these are @param {boolean} quiet */
async function empty(before, quiet) {
  for (const report of waiting) {
    if (report.refused || report.sent || !navigator.onLine) continue
    try {
      // another tab may have sent it meanwhile
      if (!(await kept(PREFIX + report.key))) continue
      const images = await uploadAll(report.photos, quiet)
      if ((await whose()) !== before) return false
      const answer = await post(report.key, images.length ? { ...report.body, images } : report.body, quiet)
      if ((await whose()) !== before) return false
      await forget(PREFIX + report.key)
      show(waiting.map((one) => (one.key === report.key ? { ...one, sent: answer } : one)))
    } catch (error) {
      if (error instanceof SignedOut) return true
      if (error instanceof Unreachable) return false
      if (!(error instanceof Problem)) throw error
      if ([401, 408, 429].includes(error.status) || error.status >= 500) return error.status === 401
      if ((await whose()) !== before) return false
      const refused = { ...report, refused: Object.values(error.errors)[0]?.[0] ?? error.message }
      await keep(PREFIX + report.key, refused)
      show(waiting.map((one) => (one.key === report.key ? refused : one)))
    }
  }
  return false
}
