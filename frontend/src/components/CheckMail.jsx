// Something was mailed, and the rest is in that mail.
import { useEffect, useRef } from 'react'

/** Back to the form, at the address. @param {(sent: boolean) => void} setSent */
export function again(setSent) {
  setSent(false)
  setTimeout(() => document.getElementById('email')?.focus())
}

/** @param {{children: React.ReactNode}} props */
export function CheckMail({ children }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null))
  useEffect(() => heading.current?.focus(), []) // it stands where a form was: whoever listens is told
  return (
    <>
      <h1 tabIndex={-1} ref={heading}>
        Check your mail
      </h1>
      {children}
    </>
  )
}
