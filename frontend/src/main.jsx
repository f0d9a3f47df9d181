// Starts the portal. Routes are in router.jsx, the server is in api.jsx.
import '../../static/ui.css'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router/dom'
import { router } from './router'

createRoot(/** @type {HTMLElement} */ (document.getElementById('app'))).render(<RouterProvider router={router} />)
