// Choosing rows of the queue: all at once, and from one to another. How many there are, the stylesheet counts.
import { all, one } from './page'

/** @returns {HTMLInputElement[]} */
const boxes = () => all('.queue [name=ids]')
/** @type {HTMLInputElement | null} */
let last = null

function count() {
  const found = boxes()
  const chosen = found.filter((box) => box.checked).length
  const every = /** @type {HTMLInputElement | null} */ (one('[data-select-all]'))
  if (every) {
    every.checked = chosen > 0 && chosen === found.length
    every.indeterminate = chosen > 0 && chosen < found.length
  }
}

document.addEventListener('click', (event) => {
  const box = event.target
  if (!(box instanceof HTMLInputElement) || box.name !== 'ids') return
  const found = boxes()
  if (event.shiftKey && last && found.includes(last)) {
    const [from, to] = [found.indexOf(last), found.indexOf(box)].sort((a, b) => a - b)
    for (const between of found.slice(from, to + 1)) between.checked = box.checked
  }
  last = box
})

document.addEventListener('change', ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return
  if (target.matches('[data-select-all]')) for (const box of boxes()) box.checked = target.checked
  if (target.name === 'ids' || target.matches('[data-select-all]')) count()
})

function clear() {
  const chosen = boxes().filter((box) => box.checked)
  for (const box of chosen) box.checked = false
  count()
  return chosen.length > 0
}
document.addEventListener('click', (event) => {
  if (!(event.target instanceof Element) || !event.target.closest('[data-clear]')) return
  event.preventDefault()
  clear()
})
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]') && clear()) event.preventDefault()
})
document.addEventListener('swapped', count)
addEventListener('pageshow', count)
