// Photos on their way: shrunk in the browser, sent while the person still types, again when the network was away.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { newKey, Problem, SignedOut } from './api'
import { forget, keep, kept } from './kept'

const uploads = () => import('./upload')

/**
 * @typedef {object} Photo
 * @property {string} key
 * @property {string} name
 * @property {File} [file] what was chosen, until it is small
 * @property {Blob} [blob] what is sent
 * @property {string} [url] to show it
 * @property {number} [id] the upload's, once it is there
 * @property {number} [sentAt]
 * @property {number} progress 0 to 1
 * @property {string} [error]
 * @property {Error} [failed]
 */

/**
 * The photos of a form that is being filled in. They survive a reload under the draft's name.
 * @param {{draft: string, max: number, disabled?: boolean, given?: any[]}} of
 *   `given`: what it begins with, where the draft has none yet
 */
export function usePhotos({ draft, max, disabled = false, given }) {
  const [items, setItems] = useState(/** @type {Photo[]} */ ([]))
  const [error, setError] = useState('')
  const latest = useRef(items)
  const running = useRef(/** @type {Map<string, {stop: AbortController, small: Promise<unknown>, done: Promise<number>}>} */ (new Map()))
  const ready = useRef(/** @type {Promise<unknown>} */ (Promise.resolve()))
  const asked = useRef(/** @type {string[]} */ ([]))
  const first = useRef(given)
  const store = `photos:${draft}`

  const update = useCallback(
    (/** @type {(items: Photo[]) => Photo[]} */ change) => {
      latest.current = change(latest.current)
      setItems(latest.current)
      const list = latest.current.map(({ key, name, file, blob, id, sentAt }) => ({ key, name, file: blob ? undefined : file, blob, id, sentAt }))
      void (list.length || first.current ? keep(store, list) : forget(store))
    },
    [store],
  )

  const start = useCallback(
    (/** @type {Photo} */ { key, name, file, blob }, quiet = true) => {
      const stop = new AbortController()
      const { signal } = stop
      /** @param {Partial<Photo>} change */
      const changed = (change) => latest.current.map((one) => (one.key === key ? { ...one, ...change } : one))
      const set = (/** @type {Partial<Photo>} */ change) => setItems((latest.current = changed(change)))
      set({ error: undefined, failed: undefined, progress: 0 })
      const small = uploads().then(async ({ shrink }) => {
        if (blob) return blob
        const less = await shrink(/** @type {File} */ (file), signal)
        signal.throwIfAborted()
        update(() => changed({ blob: less, url: URL.createObjectURL(less) }))
        return less
      })
      const done = small.then(async (less) => {
        const { send } = await uploads()
        const { id } = await send({ key, name, blob: less }, (progress) => set({ progress }), signal, quiet)
        signal.throwIfAborted()
        update(() => changed({ id, sentAt: Date.now(), progress: 1 }))
        return id
      })
      small.catch((/** @type {Error} */ no) => {
        if (signal.aborted) return
        update((all) => all.filter((one) => one.key !== key))
        setError(no.message)
      })
      done.catch((/** @type {Error} */ no) => {
        if (!signal.aborted) set({ error: wordsFor(no, name), failed: no })
      })
      running.current.set(key, { stop, small, done })
    },
    [update],
  )

  useEffect(() => {
    if (disabled) return
    let gone = false
    const all = running.current
    // asked for now, so that it is there when the network is not
    ready.current = Promise.all([kept(store), uploads()]).then(([own, { isThere }]) => {
      const list = own ?? first.current
      if (gone || !list?.length) return
      const back = list.map((/** @type {Photo} */ one) => ({
        ...one,
        ...(isThere(one) ? { progress: 1 } : { id: undefined, key: newKey(), progress: 0 }),
        url: one.blob && URL.createObjectURL(one.blob),
      }))
      update((added) => [...back, ...added])
      for (const one of back) if (!one.id) start(one)
    }).catch(() => {})
    return () => {
      gone = true
      for (const { stop } of all.values()) stop.abort()
      for (const { url } of latest.current) if (url) URL.revokeObjectURL(url)
    }
  }, [store, disabled, start, update])

  const drop = useCallback(
    (/** @type {string[]} */ keys) => {
      for (const key of keys) {
        running.current.get(key)?.stop.abort()
        running.current.delete(key)
        const url = latest.current.find((one) => one.key === key)?.url
        if (url) URL.revokeObjectURL(url)
      }
      update((all) => all.filter(({ key }) => !keys.includes(key)))
    },
    [update],
  )

  return useMemo(
    () => ({
      items,
      error,
      max,
      busy: items.some((one) => !one.id && !one.error),

      /** @param {Iterable<File>} files */
      async add(files) {
        setError('')
        for (const file of files) {
          if (latest.current.length >= max) return setError(`${max} photos at most`)
          const photo = { key: newKey(), name: file.name, file, progress: 0 }
          update((all) => [...all, photo])
          start(photo)
        }
      },

      /** @param {string} key */
      remove(key) {
        setError('')
        drop([key])
      },

      /**
       * The uploads' ids, once all are there. Throws what stopped one of them, and Unreachable without a network.
       * @returns {Promise<number[]>}
       */
      async ids() {
        await ready.current
        asked.current = latest.current.map(({ key }) => key)
        await Promise.all(asked.current.map((key) => running.current.get(key)?.small))
        const missing = latest.current.filter(({ key, id }) => !id && asked.current.includes(key))
        if (missing.length) {
          /** @param {Photo} photo */
          const again = ({ key }) => {
            start(/** @type {Photo} */ (latest.current.find((one) => one.key === key)), false)
            return running.current.get(key)?.done
          }
          const { inTime, mayPass } = await uploads()
          await inTime(() => latest.current, Promise.all(missing.map((one) => {
            if (one.failed) return mayPass(one.failed) ? again(one) : Promise.reject(new Error(one.error))
            // somebody waits for it now, who can be asked to log in
            return running.current.get(one.key)?.done.catch((no) => (mayPass(no) ? again(one) : Promise.reject(no)))
          })))
        }
        return latest.current.flatMap(({ key, id }) => (id && asked.current.includes(key) ? id : []))
      },

      /** The server knows these uploads no longer: send them again. */
      again() {
        const all = latest.current.filter(({ id }) => id)
        update((now) => now.map((one) => (one.id ? { ...one, id: undefined, key: newKey() } : one)))
        for (const { blob } of all) start(/** @type {Photo} */ (latest.current.find((one) => one.blob === blob)))
      },

      /** What an unsent report takes along. */
      blobs: () => latest.current.flatMap(({ key, name, blob, id, sentAt }) => (blob ? { key, name, blob, id, sentAt } : [])),

      /** What was sent. What was added meanwhile stays. */
      clear(keys = asked.current) {
        drop(keys)
        if (!latest.current.length) void forget(store)
      },
    }),
    [items, error, max, start, update, drop, store],
  )
}

/** @param {Error} error @param {string} name */
function wordsFor(error, name) {
  if (error instanceof Problem && error.errors.image) return `${name}: ${error.errors.image[0]}`
  if (error instanceof SignedOut) return `${name} is sent once you have logged in again`
  return `${name}: ${error.message}`
}

