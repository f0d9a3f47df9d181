// Parts of a page that the server sends anew: htmx, which the attributes in templates/staff ask for it.
import htmx from 'htmx.org'

Object.assign(htmx.config, {
  allowEval: false, // the Content-Security-Policy has no 'unsafe-eval'
  includeIndicatorStyles: false,
  historyCacheSize: 0, // what a customer wrote is not kept in the browser
  refreshOnHistoryMiss: true,
  selfRequestsOnly: true,
  scrollBehavior: 'auto',
  responseHandling: [
    { code: '204', swap: false },
    { code: '[23]..', swap: true },
    // a form that was refused comes back with what is wrong, and with every word
    { code: '(403|409|412|413|422|429)', swap: true },
    { code: '...', swap: false, error: true },
  ],
})

document.addEventListener('htmx:afterSettle', () => document.dispatchEvent(new Event('swapped')))
// who is signed out would be shown a login in the middle of the page: the browser does it itself
document.addEventListener('htmx:responseError', ({ target }) => /** @type {HTMLElement} */ (target).closest('form')?.submit())
