// The top of every page, and the tab bar at the bottom of a phone.
import { useRoot } from '../root'
import { Avatar } from './Avatar'
import { Icon, Mark } from './Icon'
import { Link, NavLink } from './Link'

const TABS = [
  { to: '/', icon: 'home', name: 'Home' },
  { to: '/report', icon: 'plus', name: 'Report an issue' },
  { to: '/tickets', icon: 'ticket', name: 'My tickets' },
]

export function Header() {
  const { me, site } = useRoot()
  return (
    <header className="topbar">
      <div className="wrap">
        <Link className="brand" to="/">
          <Mark />
          {site.name}
        </Link>
        <nav className="tabs-nav" aria-label="Main">
          {TABS.map(({ to, icon, name }) => (
            <NavLink key={to} to={to} end={to === '/'}>
              <Icon name={icon} />
              <span>{name}</span>
            </NavLink>
          ))}
        </nav>
        <div className="row push">
          {me ? (
            <Link className="btn ghost icon-only" to="/account">
              <Avatar of={me} />
              <span className="vh">Account, {me.name}</span>
            </Link>
          ) : (
            <Link className="btn ghost" to="/login">
              Log in
            </Link>
          )}
        </div>
      </div>
    </header>
  )
}
