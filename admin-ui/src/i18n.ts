import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';

import en from './locales/en.json';
import ru from './locales/ru.json';

const stored = localStorage.getItem('tandem-language');
const language = stored ?? (navigator.language.startsWith('ru') ? 'ru' : 'en');

void i18n.use(initReactI18next).init({
  resources: { en: { translation: en }, ru: { translation: ru } },
  lng: language,
  fallbackLng: 'en',
  interpolation: { escapeValue: false }, // React escapes
});
document.documentElement.lang = language;
i18n.on('languageChanged', (now) => {
  document.documentElement.lang = now;
  localStorage.setItem('tandem-language', now);
});

export default i18n;
