// What the parts of this script share: finding things on the page, asking the server, saying what happened.

/**
 * @template {Element} [T=HTMLElement]
 * @param {string} selector @param {ParentNode} [inside]
 * @returns {T | null}
 */
export const one = (selector, inside = document) => /** @type {T | null} */ (inside.querySelector(selector))

/**
 * @template {Element} [T=HTMLElement]
 * @param {string} selector @param {ParentNode} [inside]
 * @returns {T[]}
 */
export const all = (selector, inside = document) => /** @type {T[]} */ ([...inside.querySelectorAll(selector)])

/** Whether keys belong to what has the focus. @param {EventTarget | null} target */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || (target.matches('input, textarea, select') && !target.matches('[type=checkbox], [type=radio]')))

/**
 * A part of a page. Nobody who is signed out is led to a login in the middle of it.
 * @param {string} address @param {RequestInit} [options]
 * @returns {Promise<Response | null>} null where there was no answer, or none for this
 */
export async function part(address, options = {}) {
  const headers = { 'HX-Request': 'true', Accept: 'text/html', ...options.headers }
  const answer = await fetch(address, { ...options, headers, redirect: 'manual' }).catch(() => null)
  return answer && (answer.ok || answer.status === 304) ? answer : null
}

/** @param {string} method @param {string} address @param {unknown} [body] @param {RequestInit} [options] */
export const send = (method, address, body, options) =>
  fetch(address, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    ...options,
  }).catch(() => null)

/** @param {string} html */
export function parsed(html) {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content
}

/** Said once, to whoever hears the page. @param {string} words */
export function announce(words) {
  let place = one('#announcer')
  if (!place) {
    place = document.createElement('div')
    place.id = 'announcer'
    place.className = 'vh'
    place.setAttribute('role', 'status')
    document.body.append(place)
  }
  const said = place
  said.textContent = ''
  setTimeout(() => (said.textContent = words), 50)
}

const EVERY = 15_000

/**
 * Ask again and again as long as somebody looks, and at once when they come back after a while.
 * @param {() => Promise<unknown>} ask
 */
export function whileLooking(ask) {
  let last = Date.now()
  let asking = false
  const look = async () => {
    if (document.hidden || asking || Date.now() - last < EVERY) return
    asking = true
    try {
      await ask()
    } finally {
      asking = false
      last = Date.now()
    }
  }
  setInterval(look, 1000)
  document.addEventListener('visibilitychange', look)
}

/** Wait until nothing came for a moment. @param {() => void} act @param {number} ms */
export function settled(act, ms) {
  let timer = 0
  const later = () => {
    clearTimeout(timer)
    timer = window.setTimeout(act, ms)
  }
  later.stop = () => clearTimeout(timer)
  return later
}
