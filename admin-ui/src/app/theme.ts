import { Alert, createTheme, type CSSVariablesResolver, ModalHeader } from '@mantine/core';

/** Shades with a contrast of 4.5 to 1 and more (WCAG 1.4.3), which the library's own do not have. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 },
  // A dialog's header element is no banner of the page.
  components: {
    Alert: Alert.extend({ styles: { label: { color: 'var(--mantine-color-text)' } } }),
    ModalHeader: ModalHeader.extend({ defaultProps: { role: 'none' } }),
  },
});

export const variables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: { '--mantine-color-dimmed': colors.gray[7], '--mantine-color-error': colors.red[9], '--mantine-primary-color-light-color': colors.indigo[9] },
  dark: { '--mantine-color-dimmed': colors.dark[1] },
});
