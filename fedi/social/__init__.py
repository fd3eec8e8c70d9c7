"""What people do: accounts, posts, follows, and who sees what. Knows neither other servers nor
painters; it tells the world through `outbound`."""
