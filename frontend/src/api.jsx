// The one way to the server: a typed client of openapi.yml, its problems as errors, and what to do when a session ends.
/** @typedef {import('./schema').components['schemas']} Schemas */
/** @typedef {Schemas['FullTicket']} Ticket */
/** @typedef {Schemas['CreateTicket']} Report */
/** @typedef {Schemas['Known']} Known */
/** @typedef {Schemas['Me']} Me */
/** @typedef {Schemas['Site']} Site */
/** @typedef {Schemas['TimelineItem']} TimelineItem */
/** @typedef {Schemas['FullCategory']} Category */

/** Where the API is: with the portal, unless its page names another origin (a portal on a CDN, docs/operating.md). */
export const ORIGIN = document.querySelector('meta[name="api-origin"]')?.getAttribute('content') || location.origin
/** @type {RequestCredentials} */
const credentials = ORIGIN === location.origin ? 'same-origin' : 'include'

/**
 * @param {string} method
 * @returns {(path: string, init?: any) => Promise<{data?: any, error?: unknown, response: Response}>}
 */
const verb = (method) => async (path, { params = {}, body, headers, ...init } = {}) => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params.query ?? {})) {
    for (const one of [value].flat()) if (one !== undefined) query.append(name, String(one))
  }
  const filled = path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(params.path[name]))
  const response = await fetch(`${ORIGIN}${filled}${query.size ? `?${query}` : ''}`, {
    method,
    credentials,
    headers: { ...params.header, ...headers, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
    ...init,
  })
  const text = response.status === 304 ? '' : await response.text()
  const said = text && /json/.test(response.headers.get('Content-Type') ?? '') ? JSON.parse(text) : undefined
  return response.ok ? { data: said, response } : { error: said, response }
}

/**
 * The calls of openapi.yml: a misspelt path, parameter or field fails `npm run check`. The types are openapi-fetch's;
 * its program does more than is needed here, and would be a fiftieth of what a first visit loads.
 * @type {Pick<import('openapi-fetch').Client<import('./schema').paths>, 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'>}
 */
export const api = /** @type {any} */ (
  Object.fromEntries(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [method, verb(method)]))
)

/** An address at the server: a photo's, a page of the staff's. */
export const address = (/** @type {string} */ path) => ORIGIN + path

/** What the server answered instead: `problem+json`. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{type?: string, title?: string, detail?: string, request_id?: string, errors?: Record<string, string[]>}} body
   * @param {number} [retryAfter] seconds
   */
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `The server answered ${status}.`)
    this.status = status
    this.kind = (body.type ?? '').split(':').pop() ?? ''
    this.title = body.title ?? ''
    this.requestId = body.request_id ?? ''
    this.retryAfter = retryAfter
    /** field → messages @type {Record<string, string[]>} */
    this.errors = body.errors ?? {}
  }
}

/** No answer came: the network is away, or the server. What was sent may have arrived: repeat it with the same key. */
export class Unreachable extends Error {
  constructor() {
    super('The helpdesk cannot be reached. Check your connection.')
  }
}

/** The person did not sign in again. */
export class SignedOut extends Error {
  constructor() {
    super('Log in to go on.')
  }
}

/** @type {null | (() => Promise<boolean>)} */
let askToSignIn = null
/** Who may be asked to sign in again, over whatever page is open; resolves to whether they did. */
export const onSessionEnd = (/** @type {typeof askToSignIn} */ ask) => (askToSignIn = ask)

/** @type {Promise<boolean> | null} */
export let asking = null
/** Several requests may meet the end of a session at once: one dialog serves them all. */
const signInAgain = () => (asking ??= (askToSignIn?.() ?? Promise.resolve(false)).finally(() => (asking = null)))

/** @param {Response} response @param {unknown} body */
export function problemOf(response, body) {
  const wait = Number(response.headers.get('Retry-After')) || undefined
  return new Problem(response.status, typeof body === 'object' && body ? body : {}, wait)
}

/**
 * Send, and give what was answered. If the session has ended, the person signs in over the page and it is sent again.
 *
 * Throws Problem, Unreachable, SignedOut.
 * @template T
 * @param {() => Promise<{data?: T, error?: unknown, response: Response}>} send
 * @param {boolean} [quiet] in the background: nobody is asked to sign in
 * @returns {Promise<NonNullable<T>>}
 */
export async function call(send, quiet) {
  for (;;) {
    const { data, error, response } = await answerOf(send)
    if (response.ok) return /** @type {NonNullable<T>} */ (data)
    if (response.status !== 401 || !user) throw problemOf(response, error)
    if (quiet || !(await signInAgain())) throw new SignedOut()
  }
}

/**
 * @template T
 * @param {() => Promise<T>} send
 */
export async function answerOf(send) {
  if (gone) return new Promise(() => {})
  try {
    return await send()
  } catch (error) {
    if (error instanceof TypeError) throw new Unreachable() // what fetch throws when nothing answers
    throw error
  }
}

// --- who is here ------------------------------------------------------------------------------------------------------

/** @type {Promise<Me | null> | null} */
let session = null
/** Who it was found to be. @type {Me | null} */
let user = null

/** Who is signed in, asked once and then remembered until somebody signs in or out. Throws Problem, Unreachable. */
export function whoAmI() {
  session ??= answerOf(() => api.GET('/api/auth/verify')).then(({ data, error, response }) => {
    if (data) return tell((user = data.user))
    if (response.status === 401) return null
    throw problemOf(response, error)
  })
  session.catch(() => (session = null))
  return session
}

/** @param {Me | null} who */
export function nowIs(who) {
  user = tell(who)
  session = Promise.resolve(who)
}

/** Tabs tell each other who is here: they have one session. */
const tabs = new BroadcastChannel('who')
/** @template {Me | null} T @param {T} who */
function tell(who) {
  tabs.postMessage(who?.id)
  return who
}
tabs.onmessage = async (/** @type {MessageEvent<number | undefined>} */ { data }) => {
  if (session && (await session)?.id !== data) isElse(() => location.reload())
}

/** This page is of somebody who is no longer here. */
let gone = false
/** Somebody else is here now: nothing more is sent from this page, for it would go in their name. @param {() => void} leave */
export function isElse(leave) {
  gone = true
  leave()
}

/** @type {Promise<Site> | null} */
let site = null
export function theSite() {
  site ??= call(() => api.GET('/api/site'))
  site.catch(() => (site = null))
  return site
}

/** @type {Promise<[Category[], Schemas['Building'][]]> | null} */
let places = null
/** Categories and buildings, which seldom change: asked once a visit. */
export function vocabulary() {
  places ??= Promise.all([
    call(() => api.GET('/api/categories')).then(({ items }) => items),
    call(() => api.GET('/api/buildings')).then(({ items }) => items),
  ])
  places.catch(() => (places = null))
  return places
}

/** A key by which the server knows a repeated request. */
export const newKey = () => crypto.randomUUID()
