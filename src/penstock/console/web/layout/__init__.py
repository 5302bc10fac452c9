"""What all pages look like and are made of; `theme` has every colour and size."""
