// Around every view: header, footer of a phone, what is announced, and the login over the page when a session ends.
import { useEffect, useRef } from 'react'
import { Outlet, ScrollRestoration, useLocation, useNavigation } from 'react-router'
import { namesOf } from '../kept'
import { useRoot } from '../root'
import { wear } from '../theme'
import { sayTimesIn } from '../words'
import { Announcer } from './Announcer'
import { Header } from './Header'
import { Network } from './Network'
import { SessionEnd } from './SessionEnd'

export function Root() {
  const { me, site } = useRoot()
  sayTimesIn(me?.time_zone || site.time_zone)
  useFocusOnArrival()
  const theme = me?.theme
  useEffect(() => {
    if (theme) wear(theme) // whoever logged in may have chosen it elsewhere
  }, [theme])
  const id = me?.id
  useEffect(() => {
    if (!id) return
    namesOf('reply:').then((names) => {
      if (names.length) void import('../replies').then(({ flush }) => flush())
    })
  }, [id])
  const busy = useNavigation().state === 'loading'
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Header />
      {busy && <div className="arriving" aria-hidden="true" />}
      <Network key={me?.id ?? 0} />
      <main id="main" tabIndex={-1} aria-busy={busy}>
        <Outlet />
      </main>
      <Announcer />
      <SessionEnd />
      <ScrollRestoration />
    </>
  )
}

/** Whoever listens or uses a keyboard is at the new view's beginning, as after loading a page. */
function useFocusOnArrival() {
  const { pathname } = useLocation()
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    const heading = document.querySelector('main h1')
    const target = /** @type {HTMLElement | null} */ (heading ?? document.getElementById('main'))
    if (!target || document.activeElement?.closest('main [autofocus], dialog')) return
    target.tabIndex = -1
    target.focus({ preventScroll: true })
  }, [pathname])
}
