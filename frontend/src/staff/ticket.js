// A ticket that keeps itself up to date: what is new is added at its end, and moves nothing that is being read.
import { all, announce, one, parsed, part, send, whileLooking } from './page'
import { takeOver } from './properties'

const form = /** @type {HTMLFormElement | null} */ (one('form#ticket[data-ticket]'))
if (form) {
  const number = form.dataset.ticket
  const text = one('#composer textarea')
  let typed = 0
  text?.addEventListener('input', () => (typed = Date.now()))
  const present = () => presence(`/api/tickets/${number}/presence`, Date.now() - typed < 20_000)
  void present()
  whileLooking(() => Promise.all([news(form), present()]))
  addEventListener('pagehide', () => void send('DELETE', `/api/tickets/${number}/presence`, undefined, { keepalive: true }))
}

/** @param {HTMLFormElement} form */
async function news(form) {
  const answer = await part(`${form.dataset.news}?after=${form.dataset.seen}`)
  if (!answer || answer.status === 204) return
  const found = one('#news', parsed(await answer.text()))
  const timeline = one('#timeline')
  // an older part of the history is being read: it is said, and nothing is added to it
  if (!found || !timeline || new URLSearchParams(location.search).has('before')) return
  const { seen = '', version } = found.dataset
  const items = all('[data-part=items] > li', found)
  for (const item of items) {
    const known = item.id && document.getElementById(item.id)
    if (known) known.replaceWith(item)
    else timeline.append(item)
  }
  one('#badges')?.replaceChildren(...(one('[data-part=badges]', found)?.childNodes ?? []))
  form.dataset.seen = seen
  const hidden = /** @type {HTMLInputElement | null} */ (one('input[name=seen]', form))
  if (hidden) hidden.value = seen
  const said = items.filter((item) => item.id).length
  announce(said ? `${said} new ${said === 1 ? 'message' : 'messages'}` : 'This ticket was changed')
  if (version !== form.dataset.version) await refresh(form)
}

/** What somebody else made of the properties. @param {HTMLFormElement} form */
async function refresh(form) {
  // what was refused still stands in its field, and waits for its writer
  if (one('#notices [role=alert]')) return
  const answer = await part(location.pathname + location.search, { headers: { 'HX-Request': 'false' } })
  if (!answer) return
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  takeOver(page)
  for (const id of ['ticket-head', 'once']) {
    const [now, then] = [document.getElementById(id), page.getElementById(id)]
    if (now && then) now.replaceWith(then)
  }
  form.dataset.version = one('form#ticket', page)?.dataset.version
}

/** @param {string} address @param {boolean} isWriting */
async function presence(address, isWriting) {
  const answer = await send('PUT', address, { is_writing: isWriting })
  const place = one('#presence')
  if (!answer?.ok || !place) return
  const { people } = await answer.json()
  const words = people.map((/** @type {{name: string, is_writing: boolean}} */ { name, is_writing }) => `${name} ${is_writing ? 'is writing a reply' : 'is looking at this'}`).join(', ')
  const said = one('span', place)
  if (said && said.textContent?.trim() !== words) said.textContent = words
  place.hidden = !people.length
}
