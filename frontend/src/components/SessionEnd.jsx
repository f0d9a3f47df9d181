// Waits for the end of the session, and then loads what asks for a login.
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { onSessionEnd } from '../api'

const SignInAgain = lazy(() => import('./SignInAgain'))

export function SessionEnd() {
  const answer = useRef(/** @type {(signedIn: boolean) => void} */ (() => {}))
  const [open, setOpen] = useState(false)
  useEffect(() => {
    onSessionEnd(() => {
      setOpen(true)
      return new Promise((resolve) => (answer.current = resolve))
    })
    return () => void onSessionEnd(null)
  }, [])
  if (!open) return null
  return (
    <Suspense>
      <SignInAgain
        onDone={(signedIn) => {
          setOpen(false)
          answer.current(signedIn)
        }}
      />
    </Suspense>
  )
}
