// Says that the network is away or back, and what waits for it.
import { lazy, Suspense, useEffect, useState } from 'react'
import { namesOf } from '../kept'
import { announce } from './Announcer'
import { Icon } from './Icon'

const Unsent = lazy(() => import('./Unsent'))

export function Network() {
  const [online, setOnline] = useState(() => navigator.onLine)
  const [waiting, setWaiting] = useState(false)
  useEffect(() => {
    const back = () => {
      setOnline(true)
      announce('You are online again.')
    }
    const away = () => setOnline(false)
    const more = () => setWaiting(true)
    void namesOf('outbox:').then((names) => names.length && more())
    addEventListener('unsent', more)
    addEventListener('online', back)
    addEventListener('offline', away)
    return () => {
      removeEventListener('unsent', more)
      removeEventListener('online', back)
      removeEventListener('offline', away)
    }
  }, [])

  // there before it says anything, so that it is heard
  return (
    <div className={online && !waiting ? undefined : 'wrap notices stack g2'} role="status">
      {!online && (
        <div className="banner warn small">
          <Icon name="alert" />
          <div>You are offline. What you write is kept on this device.</div>
        </div>
      )}
      {waiting && (
        <Suspense>
          <Unsent />
        </Suspense>
      )}
    </div>
  )
}
