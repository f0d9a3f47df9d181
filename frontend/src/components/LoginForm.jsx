// Name and password: for the login page, and for the dialog over a page whose session has ended.
import { useState } from 'react'
import { answerOf, api, Problem, problemOf, Unreachable } from '../api'
import { Field, Problems } from './Field'

/** @param {{onDone: (me: import('../api').Me) => void, identifier?: string, children?: React.ReactNode}} props */
export function LoginForm({ onDone, identifier = '', children }) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')

  /** @param {React.FormEvent<HTMLFormElement>} event */
  async function submit(event) {
    event.preventDefault()
    if (busy) return
    const form = event.currentTarget
    const given = new FormData(form)
    setBusy(true)
    setProblem('')
    try {
      const body = { identifier: String(given.get('identifier')).trim(), password: String(given.get('password')) }
      if (!body.identifier || !body.password) throw new Problem(422, { detail: 'Enter your username or email, and your password' })
      const { data, error, response } = await answerOf(() => api.POST('/api/auth/login', { body }))
      if (!data) throw problemOf(response, error)
      onDone(data.user)
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error
      setProblem(wordsFor(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form className="stack g4" onSubmit={submit} noValidate aria-label="Log in">
      <Problems of="login" errors={{}} general={problem} />
      <Field id="identifier" label="Username or email">
        {(tie) => (
          <input {...tie} name="identifier" autoComplete="username" autoCapitalize="none" spellCheck={false} defaultValue={identifier} required />
        )}
      </Field>
      <Field id="password" label="Password">
        {(tie) => <input {...tie} name="password" type="password" autoComplete="current-password" required />}
      </Field>
      <button className="btn primary full" aria-busy={busy}>
        {busy ? 'Logging in' : 'Log in'}
      </button>
      {children}
    </form>
  )
}

/** @param {Problem | Unreachable} error */
function wordsFor(error) {
  if (!(error instanceof Problem)) return error.message
  if (error.status === 401) return 'Username, email or password is wrong'
  if (error.status === 429 && error.retryAfter) return `Too many attempts. Try again in ${error.retryAfter} seconds`
  return error.message
}
