import { Alert, Autocomplete, Badge, Combobox, createTheme, type CSSVariablesResolver, ModalHeader, MultiSelect, Select } from '@mantine/core';

// The list itself scrolls, and can be scrolled by the keyboard.
const list = { tabIndex: 0, style: { maxHeight: 220, overflowY: 'auto' } };

/** Shades with a contrast of 4.5 to 1 and more (WCAG 1.4.3), which the library's own do not have. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 },
  // A dialog's header element is no banner of the page.
  components: {
    // A list is made when it opens: the editor's forms have many, each with all steps of the flow.
    Combobox: Combobox.extend({ defaultProps: { keepMounted: false } }),
    Badge: Badge.extend({ defaultProps: { tt: 'none', miw: 'max-content' } }),
    ComboboxOptions: { defaultProps: list },
    Autocomplete: Autocomplete.extend({ defaultProps: { withScrollArea: false } }),
    Select: Select.extend({ defaultProps: { withScrollArea: false } }),
    MultiSelect: MultiSelect.extend({ defaultProps: { withScrollArea: false } }),
    Alert: Alert.extend({ styles: { label: { color: 'var(--mantine-color-text)' } } }),
    ModalHeader: ModalHeader.extend({ defaultProps: { role: 'none' } }),
  },
});

export const variables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7], '--mantine-color-placeholder': colors.gray[7], '--mantine-color-anchor': colors.indigo[9],
    '--mantine-color-error': colors.red[9], '--mantine-primary-color-light-color': colors.indigo[9],
  },
  dark: { '--mantine-color-dimmed': colors.dark[1], '--mantine-color-placeholder': colors.dark[1] },
});
