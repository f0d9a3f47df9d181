// A forgotten password. The answer is the same whether or not there is an account.
import { useState } from 'react'
import { api, call } from '../api'
import { again, CheckMail } from '../components/CheckMail'
import { Field, Problems } from '../components/Field'
import { Link } from '../components/Link'
import { LIMITS, useForm } from '../components/useForm'
import { useRoot } from '../root'

export function Component() {
  const { me, site } = useRoot()
  const [email, setEmail] = useState(me?.email ?? '')
  const [sent, setSent] = useState(false)
  const { errors, general, failed, busy, form } = useForm(async (typed) => {
    const given = typed.email.trim()
    setEmail(given)
    await call(() => api.POST('/api/auth/password/forgot', { body: { email: given } }))
    setSent(true)
  })

  if (sent)
    return (
      <div className="wrap narrow stack g6">
        <title>{`Check your mail · ${site.name}`}</title>
        <CheckMail>
          <p>
            If there is an account with the address <b className="strong">{email}</b>, a link is on its way. It sets a new password.
          </p>
          <p className="soft">Nothing there after some minutes? Look into the spam folder, then try again.</p>
          <div className="row">
            <button className="btn" onClick={() => again(setSent)}>
              Try again
            </button>
          </div>
        </CheckMail>
      </div>
    )

  return (
    <div className="wrap narrow stack g6">
      <title>{`${failed ? 'Problem: ' : ''}Forgot your password? · ${site.name}`}</title>
      <div className="stack g1">
        <h1>Forgot your password?</h1>
        <p className="soft">We mail you a link that sets a new one.</p>
      </div>
      <Problems of="request" errors={errors} general={general} />
      <form className="panel-box" aria-label="Ask for a link" {...form}>
        <div className="pad stack g4">
          <Field id="email" label="Email" error={errors.email}>
            {(tie) => (
              <input {...tie} name="email" type="email" inputMode="email" autoComplete="email" maxLength={LIMITS.email.maxLength} defaultValue={email} required />
            )}
          </Field>
          <button className="btn primary full" aria-busy={busy}>
            {busy ? 'Sending' : 'Send the link'}
          </button>
        </div>
      </form>
      <p className="small soft">
        Do you remember it? <Link to="/login">Log in</Link>.
      </p>
    </div>
  )
}
