// What is kept on this device until it is sent: drafts, photos, reports without a network. In IndexedDB, because photos
// fit there; in memory where a browser allows none. Everything is its owner's: the next person at a shared computer
// finds nothing of it.
import { whoAmI } from './api'

/** @type {Promise<IDBDatabase> | null} */
let opened = null
/** @type {Map<string, unknown>} */
const memory = new Map()

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('helpdesk', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('kept')
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  return opened
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>}
 */
async function inStore(mode, ask) {
  const transaction = (await database()).transaction('kept', mode)
  const request = ask(transaction.objectStore('kept'))
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error)
  })
}

/** @param {string} name */
const mine = async (name) => `${(await whoAmI())?.id ?? 'guest'}|${name}`

/**
 * Says whether it is on this device now; if there was no room, it is remembered as long as the page stays open.
 * @param {string} name @param {unknown} value what structured cloning can copy: photos too
 */
export async function keep(name, value) {
  const key = await mine(name)
  memory.set(key, value)
  try {
    await inStore('readwrite', (store) => store.put(value, key))
  } catch {
    return false
  }
  // other tabs change what is stored: read it there
  if (memory.get(key) === value) memory.delete(key)
  return true
}

/** @param {string} name @returns {Promise<any>} undefined, if nothing is kept under this name */
export async function kept(name) {
  const key = await mine(name)
  return memory.get(key) ?? inStore('readonly', (store) => store.get(key)).catch(() => {})
}

/** @param {string} name */
export async function forget(name) {
  const key = await mine(name)
  memory.delete(key)
  await inStore('readwrite', (store) => store.delete(key)).catch(() => {})
}

/** The names that begin so. @param {string} prefix @returns {Promise<string[]>} */
export async function namesOf(prefix) {
  const own = await mine('')
  const keys = await inStore('readonly', (store) => store.getAllKeys()).catch(() => [])
  return [...new Set([...keys.map(String), ...memory.keys()])].filter((key) => key.startsWith(own + prefix)).map((key) => key.slice(own.length))
}

/** Everything of the person who is here: they log out. */
export async function forgetAll() {
  for (const name of await namesOf('')) await forget(name)
}
