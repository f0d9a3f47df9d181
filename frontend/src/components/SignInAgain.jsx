// A session has ended while somebody was at work: they log in over the page, and what they were doing goes on.
import { useEffect, useRef } from 'react'
import { isElse, nowIs } from '../api'
import { useRoot } from '../root'
import { LoginForm } from './LoginForm'

/** @param {{onDone: (signedIn: boolean) => void}} props */
export default function SignInAgain({ onDone }) {
  const { me } = useRoot()
  const dialog = useRef(/** @type {any} */ (null))
  useEffect(() => {
    dialog.current?.showModal()
    // the name is there already
    if (me) dialog.current?.querySelector('input[type=password]')?.focus()
  }, [me])

  /** @param {boolean} signedIn */
  function close(signedIn) {
    dialog.current?.close() // gives the focus back
    onDone(signedIn)
  }

  return (
    <dialog className="dialog" ref={dialog} aria-labelledby="again-h" onCancel={() => close(false)}>
      <header>
        <h2 id="again-h">Log in to go on</h2>
      </header>
      <div className="pad stack g4">
        <p className="soft">Your session has ended. Nothing you typed is lost.</p>
        <LoginForm
          identifier={me?.username ?? me?.email ?? ''}
          onDone={(who) => {
            // what somebody else was doing must not go on in this name
            if (me && who.id !== me.id) return isElse(() => location.assign('/'))
            nowIs(who)
            close(true)
          }}
        >
          <button type="button" className="btn ghost full" onClick={() => close(false)}>
            Not now
          </button>
        </LoginForm>
      </div>
    </dialog>
  )
}
