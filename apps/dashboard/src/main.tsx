import '../styles/base.css'
import '../styles/shell.css'
import '../styles/parts.css'
import '../styles/views.css'
import { render } from 'preact'
import { App } from './shell/app.js'
import { followRoute } from './state/route.js'
import { findSession } from './state/session.js'
import { listenForShortcuts } from './state/shortcuts.js'
import { runSystem } from './state/system.js'
import { keepTheme } from './state/theme.js'

keepTheme()
followRoute()
listenForShortcuts()
runSystem()
void findSession()

const root = document.getElementById('page')
if (root !== null) render(<App />, root)
