// What is being written on a ticket is kept by the server, so that it is there on the next device. And saved replies are
// put where the cursor is.
import { one, send, settled } from './page'

const form = /** @type {HTMLFormElement | null} */ (one('form#ticket[data-ticket]'))
const text = /** @type {HTMLTextAreaElement | null} */ (one('#composer textarea'))
if (form && text) writing(form, text)

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} text */
function writing(form, text) {
  const address = `/api/tickets/${form.dataset.ticket}/draft`
  let kept = text.value
  let isSending = false
  let stop = new AbortController()

  const save = async () => {
    const value = text.value
    if (value === kept || isSending) return
    const data = new FormData(form)
    const draft = {
      text: value,
      audience: data.get('audience') || null,
      then: data.get('then') || null,
      images: [...form.querySelectorAll('#composer input[type=hidden][name=images]')].map((input) => Number(/** @type {HTMLInputElement} */ (input).value)),
    }
    stop = new AbortController()
    const answer = await send(value.trim() ? 'PUT' : 'DELETE', address, value.trim() ? draft : undefined, { signal: stop.signal })
    if (isSending) return
    if (answer?.ok) kept = value
    say(answer?.ok ? (value.trim() ? 'Draft saved' : '') : 'The draft could not be saved. It stays here as long as this page is open.')
  }
  const later = settled(save, 1000)
  text.addEventListener('input', later)
  for (const name of ['audience', 'then']) {
    for (const control of form.querySelectorAll(`#composer [name=${name}]`)) control.addEventListener('change', () => ((kept += ' '), later()))
  }
  document.addEventListener('visibilitychange', () => document.hidden && void save())
  form.addEventListener('submit', () => {
    // the server forgets it with the sending: what comes after that would bring it back
    isSending = true
    stop.abort()
    later.stop()
    setTimeout(() => (isSending = false), 5000)
  })
  // the words, where they are; without a script the page comes back with them
  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest('[data-reply]')) : null
    if (!button) return
    event.preventDefault()
    const audience = new FormData(form).get('audience')
    const query = audience ? `?${new URLSearchParams({ audience: String(audience) })}` : ''
    const answer = await send('GET', `/api/tickets/${form.dataset.ticket}/saved-replies/${button.dataset.reply}${query}`)
    if (!answer?.ok) return void (/** @type {HTMLButtonElement} */ (button).form?.requestSubmit(/** @type {HTMLButtonElement} */ (button)))
    const { text: words } = await answer.json()
    button.closest('details')?.removeAttribute('open')
    text.setRangeText(text.value && text.selectionStart ? `\n\n${words}` : words, text.selectionStart, text.selectionEnd, 'end')
    text.focus()
    text.dispatchEvent(new Event('input', { bubbles: true }))
  })
}

/** @param {string} words */
function say(words) {
  let place = one('#drafted-now')
  if (!place) {
    place = document.createElement('span')
    place.id = 'drafted-now'
    place.className = 'tiny muted'
    place.setAttribute('role', 'status')
    one('#composer .bar')?.before(place)
  }
  one('#drafted')?.remove()
  place.textContent = words
}
