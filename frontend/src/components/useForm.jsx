// A form that is sent: whether it is on its way, what is wrong with it. What was typed stays in its fields meanwhile.
import { useState } from 'react'
import limits from 'virtual:limits'
import { Problem, SignedOut, Unreachable } from '../api'
import { length } from '../words'
import { firstOf } from './Field'

/** A password is not cut off at its end: who pastes one would not see it. */
export const LIMITS = limits.Register

/** What to do about a field: when it is empty, and when it holds something else. @type {Record<string, [string, string]>} */
const WORDS = {
  username: ['Choose a username', `Use ${LIMITS.username.minLength} to ${LIMITS.username.maxLength} letters without accents, digits and . _ -`],
  name: ['Write your name', `Write your name in up to ${LIMITS.name.maxLength} characters`],
  email: ['Write your address', 'Write an address, such as name@example.edu'],
  password: ['Choose a password', `Use ${LIMITS.password.minLength} to ${LIMITS.password.maxLength} characters`],
  current_password: ['Write your current password', 'Write your current password'],
}

/** What the browser itself finds wrong, by the fields' own attributes. @param {HTMLFormElement} form */
function wrongIn(form) {
  /** @type {Record<string, string>} */
  const wrong = {}
  for (const field of /** @type {Iterable<HTMLInputElement>} */ (form.elements)) {
    if (field.name in WORDS && !field.checkValidity()) wrong[field.name] = WORDS[field.name][field.value ? 1 : 0]
  }
  return wrong
}

/**
 * What was answered instead of yes: by field, and what belongs to none. Throws what nobody could have foreseen.
 * @param {unknown} error @param {HTMLFormElement} form
 */
function problemsOf(error, form) {
  if (error instanceof Unreachable || error instanceof SignedOut) return { errors: {}, general: error.message }
  if (!(error instanceof Problem)) throw error
  if (error.status === 429 && error.retryAfter) {
    const wait = error.retryAfter < 60 ? `${error.retryAfter} seconds` : length(error.retryAfter)
    return { errors: {}, general: `Too many attempts. Try again in ${wait}` }
  }
  if (error.status === 403 && form.elements.namedItem('current_password'))
    return { errors: { current_password: error.message.replace(/\.$/, '') }, general: '' }
  const found = firstOf(error.errors)
  const errors = Object.fromEntries(Object.entries(found).filter(([name]) => form.elements.namedItem(name)))
  const rest = Object.entries(found).filter(([name]) => !(name in errors))
  return { errors, general: rest.length ? rest.map(([, words]) => words).join('. ') : Object.keys(errors).length ? '' : error.message }
}

const NOTHING = { errors: /** @type {Record<string, string>} */ ({}), general: '' }

/**
 * @param {(given: Record<string, string>, form: HTMLFormElement) => Promise<unknown>} send throws what `call` throws
 */
export function useForm(send) {
  const [busy, setBusy] = useState(false)
  const [problems, setProblems] = useState(NOTHING)
  const [done, setDone] = useState(false)

  /** @param {React.FormEvent<HTMLFormElement>} event */
  async function onSubmit(event) {
    event.preventDefault()
    if (busy) return
    const form = event.currentTarget
    const errors = wrongIn(form)
    setDone(false)
    setProblems({ errors, general: '' })
    if (Object.keys(errors).length) return
    setBusy(true)
    try {
      const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
      await send(given, form)
      setDone(true)
    } catch (error) {
      setProblems(problemsOf(error, form))
    } finally {
      setBusy(false)
    }
  }

  const failed = problems.general !== '' || Object.keys(problems.errors).length > 0
  return { ...problems, failed, busy, done, form: { onSubmit, onChange: () => setDone(false), noValidate: true } }
}
