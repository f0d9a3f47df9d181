// Every address of the portal. A view is a file of views/ with its loader, action and component; it loads when asked for.
// blueprints/portal.py answers the same addresses.
import { createBrowserRouter, redirect } from 'react-router'
import { nowIs, theSite, whoAmI } from './api'
import { AllBroken, Broken } from './components/Broken'
import { Loading } from './components/Loading'
import { Root } from './components/Root'

/** Who is here, and where: every view finds it by `useRoot`. */
async function root() {
  const [me, site] = await Promise.all([whoAmI(), theSite()])
  return { me, site }
}

/** For people with an account: others log in first, and come back. @param {{request: Request}} args */
async function members({ request }) {
  if (await whoAmI()) return null
  const { pathname, search } = new URL(request.url)
  throw redirect(`/login?next=${encodeURIComponent(pathname + search)}`)
}

/** @param {() => Promise<object>} view */
const lazy = (view) => ({ lazy: view, ErrorBoundary: Broken, HydrateFallback: Loading })

export const router = createBrowserRouter([
  {
    id: 'root',
    loader: root,
    Component: Root,
    ErrorBoundary: AllBroken,
    HydrateFallback: Loading,
    children: [
      { index: true, ...lazy(() => import('./views/Home')) },
      { path: 'report', ...lazy(() => import('./views/Report')) },
      { path: 'report/sent', ...lazy(() => import('./views/Sent')) },
      { path: 'login', ...lazy(() => import('./views/Login')) },
      { path: 'register', ...lazy(() => import('./views/Register')) },
      { path: 'forgot', ...lazy(() => import('./views/Forgot')) },
      {
        loader: members,
        children: [
          { path: 'tickets', ...lazy(() => import('./views/Tickets')) },
          { path: 'tickets/:id', ...lazy(() => import('./views/TicketDetail')) },
          { path: 'account', ...lazy(() => import('./views/Account')) },
        ],
      },
      { path: '*', ...lazy(() => import('./views/NotFound')) },
    ],
  },
])

/** Somebody signed in or out: everything is loaded anew. @param {import('./api').Me | null} me @param {string} to */
export async function become(me, to) {
  // what was typed before logging in goes along
  if (me && !(await whoAmI().catch(() => me))) await import('./handover').then(({ handOver }) => handOver(me)).catch(() => {})
  nowIs(me)
  await router.navigate(to, { replace: true })
  await router.revalidate()
}
