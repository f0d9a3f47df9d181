// A property is saved when it is chosen, alone: what else was ticked or typed waits for its own button. Whatever is
// touched while an answer is on its way stays as it is.
import { all, announce, one } from './page'

/** Controls that were changed and not sent yet. @type {Set<string>} */
const changed = new Set()
/** Those of the request that is on its way. @type {Set<string>} */
let sent = new Set()
/** What each held when it left. @type {Map<string, string>} */
let left = new Map()

/** @typedef {HTMLInputElement} Control or a select, of which no more is used */

/** @returns {Control[]} */
const controls = () => /** @type {any[]} */ (all('#properties :is(input:not([type=hidden]), select)'))
/** @param {Control} control */
const held = (control) => (control.type === 'checkbox' ? String(control.checked) : control.value)
const heldNow = () => new Map(controls().map((control) => [key(control), held(control)]))

/** Whether it was changed since the server made it. @param {any} control */
const isDirty = (control) =>
  control.type === 'checkbox'
    ? control.checked !== control.defaultChecked
    : control.options
      ? [...control.options].some((option) => option.defaultSelected) && !control.selectedOptions[0]?.defaultSelected
      : control.value !== control.defaultValue
/** @param {Control} control */
const key = (control) => control.id || `${control.name}=${control.value}`
/** @param {Element} prop */
const nameIn = (prop) => /** @type {Control | null} */ (prop.querySelector('input:not([type=hidden]), select'))?.name

document.addEventListener('change', ({ target }) => {
  // several tags, and what shuts others out, by the button
  if (!(target instanceof Element) || !target.closest('#properties') || target.closest('details, .tick')) return
  // who takes it from its team says why first
  const why = /** @type {Control | null} */ (target.id === 'team_id' ? one('#handoff_reason') : null)
  if (why && !why.value && isDirty(target)) return why.focus()
  // with why it goes to another team goes the team
  for (const control of /** @type {any[]} */ (all(':is(input:not([type=hidden]), select)', target.closest('.prop') ?? undefined))) changed.add(control.name)
  target.dispatchEvent(new Event('save', { bubbles: true }))
})

// Enter in a line saves it as leaving it does, and not the form beside it as well.
document.addEventListener('keydown', (event) => {
  const line = /** @type {HTMLElement} */ (event.target)
  if (event.key !== 'Enter' || event.isComposing || !line.matches('#properties input:not([type=checkbox])')) return
  const menu = /** @type {HTMLElement | null} */ (one('select', line.closest('.prop') ?? undefined))
  event.preventDefault()
  line.blur()
  if (menu) menu.focus()
  else line.focus()
})

/** @param {any} event */
const isOurs = ({ detail }) => (detail.requestConfig?.elt ?? detail.elt)?.id === 'properties'

document.addEventListener('htmx:configRequest', (/** @type {any} */ event) => {
  if (!isOurs(event)) return
  const { parameters } = event.detail
  for (const name of Object.keys(parameters)) {
    const own = name.replace(/^was_/, '')
    if (!changed.has(own) && !['version', 'seen', 'key'].includes(name)) delete parameters[name]
  }
  sent = new Set(changed)
  changed.clear()
  left = heldNow()
})

document.addEventListener('htmx:beforeSwap', (/** @type {any} */ event) => {
  if (!isOurs(event) || !event.detail.shouldSwap) return
  const page = new DOMParser().parseFromString(event.detail.serverResponse, 'text/html')
  takeOver(page)
  sent.clear()
  const form = one('form#ticket')
  const [now, then] = [form?.dataset.version, one('form#ticket', page)?.dataset]
  if (form && then && now !== then.version) {
    Object.assign(form.dataset, { version: then.version, seen: then.seen })
    say('Saved')
  }
})

/**
 * The properties as the server has them, each where nobody touched it meanwhile. @param {ParentNode} page
 */
export function takeOver(page) {
  const then = new Map(all('#properties .prop', page).map((prop) => [nameIn(prop), prop]))
  for (const prop of all('#properties .prop')) {
    const next = then.get(nameIn(prop))
    if (!next) continue
    const isTouched = prop.contains(document.activeElement) && /** @type {Element} */ (document.activeElement).matches('input:not([type=checkbox])')
    const isOther = controls().some((control) => prop.contains(control) && (sent.has(control.name) ? left.get(key(control)) !== held(control) : isDirty(control)))
    // what was refused waits for whoever chose it
    const isRefused = one('.error', prop) && !sent.has(nameIn(prop) ?? '')
    if (isTouched || isOther || isRefused || prop.querySelector('details[open]')) {
      // what it was is known anew: only what is typed here counts as changed
      for (const was of all('input[type=hidden]', prop)) was.remove()
      prop.append(...all('input[type=hidden]', next))
      continue
    }
    const focused = prop.contains(document.activeElement) ? document.activeElement?.id : ''
    prop.replaceWith(next)
    if (focused) document.getElementById(focused)?.focus()
  }
}

/** Nothing answered: it stays chosen, and says so. */
document.addEventListener('htmx:sendError', (event) => {
  if (!isOurs(event)) return
  say('Not saved: the helpdesk cannot be reached. Press “Save properties” once it can.')
})

/** Beside the button, for whoever looks, and aloud. @param {string} words */
function say(words) {
  let place = one('#saved')
  if (!place) {
    place = document.createElement('span')
    place.id = 'saved'
    place.className = 'tiny muted'
    one('#properties > .btn')?.after(place)
  }
  place.textContent = words
  announce(words)
}
