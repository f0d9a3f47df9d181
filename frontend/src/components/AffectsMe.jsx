// "Affects me too": the number changes only after the server has answered, and it can be taken back.
import { useState } from 'react'
import { useRevalidator } from 'react-router'
import { api, call } from '../api'
import { announce } from './Announcer'
import { Icon } from './Icon'

/**
 * Join a ticket, or leave it. Throws Problem, Unreachable, SignedOut.
 * @param {number} id @param {boolean} joined
 */
export async function setAffected(id, joined) {
  const to = { params: { path: { ticket_id: id } } }
  await call(() => (joined ? api.PUT('/api/tickets/{ticket_id}/affected/me', to) : api.DELETE('/api/tickets/{ticket_id}/affected/me', to)))
}

/** @param {{ticket: {id: number, affects_me: boolean}, size?: string, onDone?: (joined: boolean) => void}} props */
export function AffectsMe({ ticket, size = 'sm', onDone }) {
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState('')
  const revalidator = useRevalidator()
  const joined = ticket.affects_me

  async function toggle() {
    if (busy) return
    setBusy(true)
    setFailed('')
    try {
      await setAffected(ticket.id, !joined)
      announce(joined ? 'You no longer follow this.' : 'You follow this now. You will hear what happens.')
      if (onDone) onDone(!joined)
      else await revalidator.revalidate()
    } catch (error) {
      setFailed(/** @type {Error} */ (error).message)
    } finally {
      setBusy(false)
    }
  }

  return (
    <span className={size === 'full' ? 'stack g1' : 'end'}>
      <button type="button" className={`btn ${size} ${joined ? 'on' : ''}`} aria-pressed={joined} aria-busy={busy} onClick={toggle}>
        <Icon name={joined ? 'check' : 'user-plus'} />
        Affects me too
      </button>
      {failed && (
        <span className="error small" role="alert">
          {failed}
        </span>
      )}
    </span>
  )
}
