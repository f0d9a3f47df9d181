// The search language, word by word: keys, then their values. Arrow keys choose, Tab or Enter takes what is chosen.
import { all, part, parsed, settled } from './page'

document.addEventListener('focusin', ({ target }) => {
  if (target instanceof HTMLInputElement && target.matches('[data-suggest]') && !target.hasAttribute('aria-controls')) helps(target)
})

/** @param {HTMLInputElement} input */
function helps(input) {
  const list = document.createElement('ul')
  list.className = 'suggestions'
  list.id = `${input.id || 'q'}-suggestions`
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', 'Suggestions')
  list.hidden = true
  input.after(list)
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-controls': list.id, 'aria-expanded': 'false', 'aria-autocomplete': 'list', autocomplete: 'off' })) input.setAttribute(name, value)

  const options = () => all('[role=option]', list)
  const chosen = () => options().findIndex((option) => option.getAttribute('aria-selected') === 'true')
  const close = () => {
    list.hidden = true
    input.setAttribute('aria-expanded', 'false')
    input.removeAttribute('aria-activedescendant')
  }
  /** @param {number} to */
  const choose = (to) => {
    options().forEach((option, index) => {
      option.id = `${list.id}-${index}`
      option.setAttribute('aria-selected', String(index === to))
    })
    const now = options()[to]
    if (now) input.setAttribute('aria-activedescendant', now.id)
    now?.scrollIntoView({ block: 'nearest' })
  }
  /** The word that the cursor is in. */
  const word = () => {
    const before = input.value.slice(0, input.selectionStart ?? input.value.length)
    return /(?:[^\s"]|"[^"]*"?)*$/.exec(before)?.[0] ?? ''
  }
  const take = (/** @type {HTMLElement | undefined} */ option) => {
    if (!option) return
    const at = input.selectionStart ?? input.value.length
    const value = option.dataset.value ?? option.textContent ?? ''
    const isKey = value.endsWith(':') || value === '#'
    const start = input.value.slice(0, at - word().length) + value + (isKey ? '' : ' ')
    input.value = start + input.value.slice(at).trimStart()
    input.setSelectionRange(start.length, start.length)
    close()
    if (isKey) void ask()
  }
  const ask = async () => {
    const typed = word()
    const q = input.value.slice(0, input.selectionStart ?? undefined)
    const answer = typed ? await part(`${input.dataset.suggest}?${new URLSearchParams({ q })}`) : null
    const html = answer ? await answer.text() : ''
    if (typed !== word() || document.activeElement !== input) return
    list.replaceChildren(parsed(html))
    const some = options().length > 0
    list.hidden = !some
    input.setAttribute('aria-expanded', String(some))
    for (const option of options()) option.onmousedown = (event) => (event.preventDefault(), take(option))
  }
  const later = settled(ask, 150)
  input.addEventListener('input', later)
  input.addEventListener('blur', close)
  input.addEventListener('keydown', (event) => {
    if (list.hidden) return
    const count = options().length
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') choose((Math.max(chosen(), event.key === 'ArrowDown' ? -1 : 0) + (event.key === 'ArrowDown' ? 1 : count - 1)) % count)
    else if ((event.key === 'Enter' || event.key === 'Tab') && chosen() >= 0) take(options()[chosen()])
    else if (event.key === 'Escape') close()
    else return
    event.preventDefault()
    event.stopPropagation()
  })
}

