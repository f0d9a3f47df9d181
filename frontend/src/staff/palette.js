// Search or jump to: the page /staff/find as a list over the page one is on, and what can be done here.
import { all, one, part, parsed, settled } from './page'

/** @type {HTMLDialogElement | null} */
let dialog = null

/** What this page does by a button, as lines that press it. @param {string} typed */
function actions(typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  return all('[data-action]').filter(
    (button) => button.offsetParent && words.every((word) => (button.dataset.action ?? '').toLowerCase().includes(word)),
  ).map((button) => {
    const line = document.createElement('button')
    line.className = 'menu-item'
    line.type = 'button'
    line.setAttribute('role', 'option')
    line.tabIndex = -1
    line.textContent = button.dataset.action ?? ''
    const kind = document.createElement('span')
    kind.className = 'count push'
    kind.textContent = 'Do it here'
    line.append(kind)
    line.onclick = () => {
      dialog?.close()
      button.click()
    }
    return line
  })
}

/** Says whether it is open now. */
export function openPalette() {
  if (dialog?.open) return true
  if (document.querySelector('dialog[open]') || !document.body.classList.contains('staff')) return false
  dialog ??= made()
  document.body.append(dialog)
  const input = /** @type {HTMLInputElement} */ (one('input', dialog))
  input.value = ''
  dialog.showModal()
  input.dispatchEvent(new Event('input'))
  return true
}

function made() {
  const found = document.createElement('dialog')
  found.className = 'dialog'
  found.setAttribute('aria-label', 'Search or jump to')
  found.innerHTML = `<header><label class="vh" for="palette">Search or jump to</label>
    <input class="palette-input" id="palette" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list" autocomplete="off" maxlength="200" placeholder="Words, #number, a name, a view"><kbd>Esc</kbd></header>
    <div class="list" id="palette-list" role="listbox" aria-label="Results"></div><p class="vh" role="status"></p>`
  const input = /** @type {HTMLInputElement} */ (one('input', found))
  const list = /** @type {HTMLElement} */ (one('.list', found))
  const said = /** @type {HTMLElement} */ (one('[role=status]', found))
  let asked = ''

  /** @param {number} to */
  const choose = (to) => {
    const lines = all('[role=option]', list)
    lines.forEach((line, index) => {
      line.id = `palette-${index}`
      line.setAttribute('aria-selected', String(index === to))
    })
    lines[to]?.scrollIntoView({ block: 'nearest' })
    if (lines[to]) input.setAttribute('aria-activedescendant', lines[to].id)
    else input.removeAttribute('aria-activedescendant')
  }
  const chosen = () => all('[role=option]', list).findIndex((line) => line.getAttribute('aria-selected') === 'true')

  const ask = async () => {
    const q = input.value.trim()
    asked = q
    const answer = await part(`/staff/find?${new URLSearchParams({ q })}`)
    const html = answer ? await answer.text() : ''
    if (asked !== q) return
    list.replaceChildren(...actions(q), parsed(html))
    if (!answer) list.textContent = 'The helpdesk cannot be reached.'
    choose(0)
    const count = all('[role=option]:not([data-more])', list).length
    said.textContent = count === 1 ? '1 result' : `${count || 'No'} results`
  }
  const later = settled(ask, 120)
  input.addEventListener('input', () => (input.value ? later() : void ask()))
  input.addEventListener('keydown', (event) => {
    const count = all('[role=option]', list).length
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      choose((chosen() + (event.key === 'ArrowDown' ? 1 : count - 1)) % Math.max(count, 1))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      // what was typed since is asked for first
      if (input.value.trim() === asked) all('[role=option]', list)[chosen()]?.click()
      else void ask().then(() => all('[role=option]', list)[0]?.click())
    }
  })
  found.addEventListener('click', ({ target }) => target === found && found.close())
  return found
}

for (const link of all('[data-palette]')) {
  link.addEventListener('click', (event) => {
    if (!event.ctrlKey && !event.metaKey && openPalette()) event.preventDefault()
  })
}
