import i18n from 'i18next';

import en from './locales/en.json';
import ru from './locales/ru.json';

function register(): void {
  i18n.addResourceBundle('en', 'editor', en);
  i18n.addResourceBundle('ru', 'editor', ru);
}

// The console sets its texts up first and loads the editor later; a page of its own may do it the other way round.
if (i18n.isInitialized) register();
else i18n.on('initialized', register);
