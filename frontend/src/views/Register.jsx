// Creating an account. It is there once the link in the mail was used: only who gets that mail can give it its password.
import { useState } from 'react'
import { api, call } from '../api'
import { again, CheckMail } from '../components/CheckMail'
import { Field, Problems } from '../components/Field'
import { Link } from '../components/Link'
import { LIMITS, useForm } from '../components/useForm'
import { useRoot } from '../root'

export function Component() {
  const { site } = useRoot()
  const [given, setGiven] = useState(/** @type {Record<string, string>} */ ({}))
  const [sent, setSent] = useState(false)
  const { errors, general, failed, busy, form } = useForm(async (typed) => {
    const [username, name, email] = [typed.username, typed.name, typed.email].map((text) => text.trim())
    const { password } = typed
    setGiven({ username, name, email })
    await call(() => api.POST('/api/auth/register', { body: { username, email, password, ...(name && { name }) } }))
    setSent(true)
  })

  if (sent)
    return (
      <div className="wrap narrow stack g6">
        <title>{`Check your mail · ${site.name}`}</title>
        <CheckMail>
          <ol className="facts">
            <li>
              We wrote to <b className="strong">{given.email}</b>.
            </li>
            <li>Open the link in that mail and give your password once more. Then you are logged in.</li>
          </ol>
          <p className="soft">Nothing there after some minutes? Look into the spam folder. If there is an account with this address already, the mail says so.</p>
          <div className="row">
            <button className="btn" onClick={() => again(setSent)}>
              Use another address
            </button>
          </div>
        </CheckMail>
      </div>
    )

  const domains = site.registration_domains.map((domain) => `@${domain}`).join(' or ')
  return (
    <div className="wrap narrow stack g6">
      <title>{`${failed ? 'Problem: ' : ''}Register · ${site.name}`}</title>
      <div className="stack g1">
        <h1>Create an account</h1>
        <p className="soft">So we can tell you when it is fixed.</p>
      </div>
      <Problems of="account" errors={errors} general={general} />
      <form className="panel-box" aria-label="Create an account" {...form}>
        <div className="pad stack g4">
          <Field id="name" label="Full name" optional error={errors.name}>
            {(tie) => <input {...tie} name="name" autoComplete="name" maxLength={LIMITS.name.maxLength} defaultValue={given.name} />}
          </Field>
          <Field id="username" label="Username" hint="Others see it. You can log in with it." error={errors.username}>
            {(tie) => (
              <input
                {...tie}
                name="username"
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                {...LIMITS.username}
                defaultValue={given.username}
                required
              />
            )}
          </Field>
          <Field id="email" label="Email" hint={domains && `It ends in ${domains}.`} error={errors.email}>
            {(tie) => (
              <input {...tie} name="email" type="email" inputMode="email" autoComplete="email" maxLength={LIMITS.email.maxLength} defaultValue={given.email} required />
            )}
          </Field>
          <Field
            id="password"
            label="Password"
            hint={`At least ${LIMITS.password.minLength} characters. Three random words work well. You give it once more with the link that we mail you.`}
            error={errors.password}
          >
            {(tie) => <input {...tie} name="password" type="password" autoComplete="new-password" minLength={LIMITS.password.minLength} required />}
          </Field>
          <button className="btn primary full" aria-busy={busy}>
            {busy ? 'Sending' : 'Create account'}
          </button>
        </div>
      </form>
      <p className="small soft">
        Already have an account? <Link to="/login">Log in</Link>.
      </p>
    </div>
  )
}
