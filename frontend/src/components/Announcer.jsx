// What happened without the page changing, for people who listen. One polite region, there from the beginning.
import { useSyncExternalStore } from 'react'

let said = ''
/** @type {Set<() => void>} */
const listeners = new Set()

/** @param {string} text */
export function announce(text) {
  // the same words twice are only read twice if they differ
  said = text === said ? `${text}\u00a0` : text
  for (const listener of listeners) listener()
}

/** @param {() => void} listener */
function subscribe(listener) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function Announcer() {
  const text = useSyncExternalStore(subscribe, () => said)
  return (
    <div className="vh" role="status" id="announcer">
      {text}
    </div>
  )
}
