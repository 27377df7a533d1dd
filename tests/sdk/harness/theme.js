// A whole theme of the hosted pages: the API takes no part of one.
const COLOR = '#123456';
const colors = [
  'body_text', 'error', 'header', 'icons', 'input_background', 'input_border', 'input_filled_text',
  'input_labels_placeholders', 'links_focused_components', 'primary_button', 'primary_button_label',
  'secondary_button_border', 'secondary_button_label', 'success', 'widget_background', 'widget_border',
];
const font = { bold: false, size: 100 };

export const THEME = {
  displayName: 'Of the shop',
  borders: {
    button_border_radius: 3,
    button_border_weight: 1,
    buttons_style: 'rounded',
    input_border_radius: 3,
    input_border_weight: 1,
    inputs_style: 'rounded',
    show_widget_shadow: true,
    widget_border_weight: 0,
    widget_corner_radius: 5,
  },
  colors: Object.fromEntries(colors.map((name) => [name, COLOR])),
  fonts: {
    body_text: font,
    buttons_text: font,
    font_url: '',
    input_labels: font,
    links: { bold: true, size: 87.5 },
    links_style: 'normal',
    reference_text_size: 16,
    subtitle: font,
    title: { bold: true, size: 150 },
  },
  page_background: { background_color: '#fedcba', background_image_url: '', page_layout: 'center' },
  widget: {
    header_text_alignment: 'center',
    logo_height: 52,
    logo_position: 'center',
    logo_url: 'https://shop.example/logo.png',
    social_buttons_layout: 'bottom',
  },
};
