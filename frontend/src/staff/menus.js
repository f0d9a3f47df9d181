// Menus are `details`: here they close when somebody goes on elsewhere, or presses Esc.
import { all, one } from './page'

document.addEventListener('click', ({ target }) => {
  for (const menu of all('details.menu[open]')) if (!menu.contains(/** @type {Node} */ (target))) menu.removeAttribute('open')
})

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  const menu = /** @type {HTMLElement} */ (event.target).closest?.('details.menu[open]') ?? one('details.menu[open]')
  if (!menu) return
  event.preventDefault()
  menu.removeAttribute('open')
  one('summary', menu)?.focus()
})

// that no file was chosen needs no words
for (const chooser of /** @type {HTMLInputElement[]} */ (all('.attach > input[type=file]'))) {
  const look = () => chooser.classList.toggle('none', !chooser.files?.length)
  chooser.addEventListener('change', look)
  look()
}

// what can be undone for some seconds says so for as long
for (const place of all('[data-until]')) {
  const left = Date.parse(place.dataset.until ?? '') - Date.now()
  setTimeout(() => all('button, [data-while]', place).forEach((part) => part.remove()), Math.max(left, 0))
}
