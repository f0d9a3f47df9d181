// A list that keeps itself up to date, and moves nothing that is being read: rows change where they are, and where the
// order is another one, that is said.
import { all, announce, one, parsed, part, whileLooking } from './page'

const ROW = 'row'
const form = /** @type {HTMLFormElement | null} */ (one('#queue[data-rows]'))
/** The numbers beside the views. @param {ParentNode} found */
function count(found) {
  for (const number of all('#counts > [data-count]', found)) {
    for (const place of all(`.sidebar [data-count="${number.dataset.count}"]`)) {
      if (place.firstChild) place.firstChild.textContent = number.textContent
      place.classList.toggle('late', 'late' in number.dataset)
    }
  }
  for (const id of ['total', 'pager']) {
    const [now, then] = [document.getElementById(id), one(`#${id}`, found)]
    if (now && then && !now.contains(document.activeElement)) now.replaceChildren(...then.childNodes)
  }
}

/** @param {ParentNode} inside @returns {HTMLTableRowElement[]} */
const rows = (inside) => all('tbody tr[data-id]', inside)

/** @param {ParentNode} found */
function list(found) {
  const [now, then] = [one('#rows'), one('#rows', found)]
  if (!now || !then) return
  const next = new Map(rows(then).map((row) => [row.dataset.id, row]))
  const ids = (/** @type {ParentNode} */ inside) => rows(inside).map((row) => row.dataset.id).join()
  if (ids(now) === ids(then)) {
    for (const row of rows(now)) update(row, /** @type {HTMLTableRowElement} */ (next.get(row.dataset.id)))
    one('#list-changed')?.remove()
    return
  }
  const isBusy = now.contains(document.activeElement) || one('tbody :checked', now) || now.matches(':hover') || scrolled(now)
  if (!isBusy) return now.replaceChildren(...then.childNodes)
  for (const row of rows(now)) {
    const changed = next.get(row.dataset.id)
    if (changed) update(row, changed)
  }
  offer(() => now.replaceChildren(...then.childNodes))
}

/** @param {HTMLElement} inside */
const scrolled = (inside) => scrollY > 0 || (inside.closest('.queue-wrap')?.scrollTop ?? 0) > 0 || inside.scrollTop > 0

/** Cell by cell: what has the focus, or is selected, stays as it is. @param {HTMLTableRowElement} row @param {HTMLTableRowElement} then */
function update(row, then) {
  for (const name of ['data-seen', 'data-done']) {
    const value = then.getAttribute(name)
    if (value === null) row.removeAttribute(name)
    else row.setAttribute(name, value)
  }
  const cells = [...row.cells]
  ;[...then.cells].forEach((cell, index) => {
    const now = cells[index]
    if (!now || now.matches('.c-check') || now.contains(document.activeElement) || now.innerHTML === cell.innerHTML) return
    now.innerHTML = cell.innerHTML
  })
}

/** @param {() => void} show */
function offer(show) {
  one('#list-changed')?.remove()
  const bar = document.createElement('div')
  bar.id = 'list-changed'
  bar.className = 'toast'
  bar.textContent = 'The list has changed.'
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'link-btn'
  button.textContent = 'Show it as it is now'
  button.onclick = () => {
    bar.remove()
    show()
    document.dispatchEvent(new Event('swapped'))
    one('.queue .c-title a')?.focus()
  }
  bar.append(button)
  const place = document.createElement('div')
  place.className = 'notice'
  place.append(bar)
  form?.before(place)
  announce('The list has changed')
}

/** Whoever works by keys finds the focus where it was, or where the next one is now. */
function goOn() {
  const [id, index] = (sessionStorage.getItem(ROW) ?? '').split('|')
  sessionStorage.removeItem(ROW)
  if (!id) return
  const found = rows(document)
  const row = found.find((one) => one.dataset.id === id) ?? found[Math.min(Number(index), found.length - 1)]
  if (row) one('.c-title a', row)?.focus()
}

/** @param {Element} row */
function remember(row) {
  sessionStorage.setItem(ROW, `${/** @type {HTMLElement} */ (row).dataset.id}|${rows(document).indexOf(/** @type {HTMLTableRowElement} */ (row))}`)
}

document.addEventListener('keydown', ({ key, target }) => {
  const row = key === 'Enter' && target instanceof Element && target.closest('.queue tr[data-id]')
  if (row) remember(row)
})

/**
 * Do with the ticket that has the focus, or with those that are selected, what the bar below the list does.
 * @param {string} field @param {string} value
 */
export function change(field, value) {
  const row = document.activeElement?.closest('.queue tr[data-id]')
  const select = /** @type {HTMLSelectElement | null} */ (one(`#many-${field}`))
  const button = one('#many .btn.primary')
  const box = row && /** @type {HTMLInputElement | null} */ (one('[name=ids]', row))
  if (!select || !button || !(box || one('[name=ids]:checked'))) return false
  if (row) remember(row)
  if (box && !one('[name=ids]:checked')) box.checked = true
  select.value = value
  button.click()
  return true
}

if (form) {
  goOn()
  let tag = ''
  whileLooking(async () => {
    const answer = await part(form.dataset.rows ?? '', tag ? { headers: { 'If-None-Match': tag } } : {})
    if (!answer || answer.status === 304) return
    tag = answer.headers.get('ETag') ?? ''
    const found = parsed(await answer.text())
    count(found)
    list(found)
  })
}
