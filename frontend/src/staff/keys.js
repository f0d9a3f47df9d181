// The keys of `blueprints/staff/keys.py`. Real focus moves, so that Enter and screen readers follow by themselves.
import { all, isTyping, one, part, parsed } from './page'
import { openPalette } from './palette'
import { change } from './queue'

/** What can be stepped through: the rows of a list, by the link or box that stands for each. */
const steps = () => all('.queue .c-title a, .tasks .c-task a, [data-step]').filter((link) => link.offsetParent)

const STEP = 'step'
const before = sessionStorage.getItem(STEP)
sessionStorage.removeItem(STEP)
if (before && one('.tasks')) steps()[Math.min(Number(before), steps().length - 1)]?.focus()

/** @param {number} by */
function step(by) {
  const links = steps()
  const now = links.findIndex((link) => row(link)?.contains(document.activeElement))
  links[Math.min(Math.max(now < 0 ? 0 : now + by, 0), links.length - 1)]?.focus()
}

/** @param {Element | null} inside */
const row = (inside) => inside?.closest('tr, li, [data-row]') ?? null

/** @param {string} selector */
function press(selector) {
  const button = one(selector)
  button?.click()
  return Boolean(button)
}

/** Whom a message is for, then the message. @param {string} audience */
function write(audience) {
  const modes = all('#composer [name=audience]')
  const mode = /** @type {HTMLInputElement | undefined} */ (modes.find((radio) => (/** @type {HTMLInputElement} */ (radio).value === 'internal') === (audience === 'internal')))
  if (!mode) return false
  mode.checked = true
  mode.dispatchEvent(new Event('change', { bubbles: true }))
  const text = one('#composer textarea')
  text?.scrollIntoView({ block: 'nearest' })
  text?.focus()
  return true
}

/** @type {Record<string, () => unknown>} what each key does; one that found nothing to do leaves it to the browser */
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  o: () => (steps().includes(/** @type {HTMLElement} */ (document.activeElement)) ? press(':focus') : false),
  x: () => {
    const inside = row(document.activeElement)
    const box = inside && one('[type=checkbox], .tickbox', inside)
    // a task is ticked by a form: the next page goes on where this one was
    if (box?.matches('.tickbox')) sessionStorage.setItem(STEP, String(steps().findIndex((link) => inside?.contains(link))))
    box?.click()
    return Boolean(box)
  },
  '/': () => {
    const search = one('[type=search]', one('.page-head') ?? document)
    search?.focus()
    return Boolean(search) || openPalette()
  },
  n: () => press('[data-key=n]'),
  r: () => write('reply'),
  c: () => write('internal'),
  i: () => press('[data-key=i]') || change('assignee_id', 'me'),
  e: () => press('[data-key=e]') || change('status', 'resolved'),
  u: () => press('[data-key=u]'),
  '?': () => showKeys(),
}

// what they are called stands on the page, for whoever has a keyboard and uses them
const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
for (const hint of all('kbd[data-keys], span[data-keys]')) {
  const isChord = /K$/.test(hint.textContent ?? '')
  if (isChord) hint.textContent = isMac ? '⌘K' : 'Ctrl K'
  hint.hidden = !isChord && document.body.dataset.keys !== 'on'
}

// in a field that has a button of its own, Enter presses that one
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement) || !['task', 'person'].includes(event.target.id)) return
  const button = one('button', event.target.parentElement ?? document)
  if (!button || !event.target.closest('form#ticket')) return
  event.preventDefault()
  button.click()
})

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return
  const { key, target } = event
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === 'k') {
    if (openPalette()) event.preventDefault()
    return
  }
  if ((event.ctrlKey || event.metaKey) && key === 'Enter') {
    const form = target instanceof HTMLElement && target.closest('form')
    const button = one('#composer [data-send]', form || document) ?? (form && one('.btn.primary:not([type=button])', form))
    if (button) {
      event.preventDefault()
      button.click()
    }
    return
  }
  if (key === 'Escape' && isTyping(target) && !document.querySelector('dialog[open]')) return /** @type {HTMLElement} */ (target).blur()
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target) || document.querySelector('dialog[open]')) return
  if (document.body.dataset.keys !== 'on') return
  const act = KEYS[key]
  if (act && act() !== false) event.preventDefault()
})

/** The list of keys, over the page. */
function showKeys() {
  void list()
  return true
}

async function list() {
  const answer = await part('/staff/keys')
  if (!answer) return void location.assign('/staff/keys')
  const dialog = document.createElement('dialog')
  dialog.className = 'dialog'
  dialog.setAttribute('aria-labelledby', 'keys-title')
  const header = document.createElement('header')
  header.innerHTML = '<h2 id="keys-title">Keyboard shortcuts</h2>'
  const close = document.createElement('button')
  close.className = 'btn sm push'
  close.textContent = 'Close'
  close.onclick = () => dialog.close()
  header.append(close)
  dialog.append(header, parsed(await answer.text()))
  dialog.onclose = () => dialog.remove()
  document.body.append(dialog)
  dialog.showModal()
}
